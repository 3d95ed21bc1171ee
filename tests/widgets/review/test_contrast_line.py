"""Grey images are grey layers whose contrast is dragged while the mask stays the chosen layer."""

from __future__ import annotations

import pytest
from PIL import Image

from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.review.contrast_line import ContrastLine


@pytest.fixture
def line(session, sync, qtbot):
    for name in ("p1.png", "p2.png"):
        path = session.project.image_path(name)
        Image.open(path).convert("L").save(path)
    session.table.prefetch.clear()
    made = ContrastLine(session, sync)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def test_it_is_there_from_the_first_grey_image_on(line, session, sync, viewer):
    assert line.isHidden()
    layer = sync.host.layer("image")
    assert layer.rgb
    session.navigation.go_to("p1.png")
    grey = sync.host.layer("image")
    assert not grey.rgb
    assert grey.data.shape == session.table.image.shape[:2]
    assert viewer.layers.index(grey) == 0
    assert layer not in viewer.layers
    assert not line.isHidden()
    assert viewer.layers.selection.active is sync.mask
    session.navigation.go_to("p0.png")
    assert sync.host.layer("image").rgb
    assert not line.isHidden()
    assert not line.isEnabled()


def test_both_follow_each_other_and_the_next_image_keeps_it(line, session, sync):
    session.navigation.go_to("p1.png")
    line.slider.setValue((20, 90))
    layer = sync.host.layer("image")
    assert layer.contrast_limits == [20, 90]
    layer.contrast_limits = (10, 200)
    assert line.slider.value() == (10, 200)
    session.navigation.go_to("p2.png")
    assert sync.host.layer("image") is layer
    assert layer.contrast_limits == [10, 200]
    line.reset.click()
    assert layer.contrast_limits == [0, 255]
