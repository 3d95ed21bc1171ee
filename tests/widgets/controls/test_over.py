"""What lies over the canvas takes its size, has the keys, and goes without a trace."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QWidget

from napari_wsss.widgets.controls.basic import row, text_label
from napari_wsss.widgets.controls.over import Over, as_image


@pytest.fixture
def below(qtbot):
    found = QWidget()
    found.resize(300, 200)
    qtbot.addWidget(found)
    found.show()
    qtbot.waitExposed(found)
    return found


def test_it_follows_the_size_and_goes(below, qtbot):
    view = Over(below)
    view.put_together(row(text_label("Title")), QWidget())
    assert view.isHidden()
    view.appear()
    assert view.size() == below.size()
    below.resize(400, 250)
    qtbot.waitUntil(lambda: view.size() == below.size())
    view.leave()
    assert view.isHidden()
    view.end()
    assert view not in below.children()
    below.resize(300, 200)  # nobody listens any more


def test_a_picture_keeps_its_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    image = as_image(pixels[:, ::-1])
    assert (image.width(), image.height()) == (7, 5)
    assert image.pixelColor(0, 4) == QColor(*pixels[4, 6].tolist())
