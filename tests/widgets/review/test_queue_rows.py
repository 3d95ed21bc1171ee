"""Rows and cells are drawn from what the model says, in any palette, and only where they are seen."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPalette
from qtpy.QtWidgets import QListView

from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.review.queue_model import QueueModel
from napari_wsss.widgets.review.queue_rows import LARGEST_CELL, LEAST_CELL, QueueCell, QueueRow, draw_picture


@pytest.fixture
def model(session):
    made = QueueModel(session)
    yield made
    let_go(made)


def shot(widget) -> np.ndarray:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    bits = image.constBits()
    flat = np.frombuffer(bits.asstring(image.sizeInBytes()) if hasattr(bits, "asstring") else bits, np.uint8)
    return flat.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()].reshape(image.height(), -1, 3)


@pytest.mark.parametrize("dark", [True, False])
def test_a_row_shows_picture_name_and_reason(model, session, qtbot, dark):
    session.project.catalog.set_mask_facts("p0.png", 0.12, None)
    view = QListView()
    qtbot.addWidget(view)
    palette = QPalette()
    ground, text = ("#202020", "#f0f0f0") if dark else ("#f8f8f8", "#101010")
    palette.setColor(QPalette.ColorRole.Base, QColor(ground))
    palette.setColor(QPalette.ColorRole.Text, QColor(text))
    view.setPalette(palette)
    view.setModel(model)
    view.setItemDelegate(QueueRow(view))
    view.resize(320, 120)
    view.show()
    first = shot(view)
    qtbot.waitUntil(lambda: model.picture("p0.png") is not None)
    second = shot(view)
    height = QueueRow().size.height()
    assert (first[:height, :64] != second[:height, :64]).any()
    names = second[4 : height // 2, 90:250].astype(int)
    assert np.ptp(names) > 150, "the name stands out from its ground"
    assert np.ptp(second[height // 2 : height - 4, 240:316].astype(int)) > 80, "so does the edit fraction"


def test_cells_grow_with_the_strip_and_frame_the_shown_image(model, session, qtbot):
    view = QListView()
    qtbot.addWidget(view)
    view.setModel(model)
    cell = QueueCell(model.row_shown, view)
    view.setItemDelegate(cell)
    assert cell.fit(100)
    assert not cell.fit(100)
    assert cell.size.height() == 100
    cell.fit(1000)
    assert cell.size.height() == LARGEST_CELL
    cell.fit(1)
    assert cell.size.height() == LEAST_CELL
    view.resize(320, 120)
    view.show()
    before = shot(view)
    session.navigation.next()
    assert (before != shot(view)).any()


def test_pictures_keep_their_shape(qapp):
    canvas = QImage(QSize(60, 40), QImage.Format.Format_RGB888)
    canvas.fill(Qt.GlobalColor.black)
    painter = QPainter(canvas)
    draw_picture(painter, QRectF(0, 0, 60, 40), np.full((20, 10, 3), 255, np.uint8), QColor("white"))
    painter.end()
    assert canvas.pixelColor(30, 20).red() > 200  # 20 x 40 pixels in the middle
    assert canvas.pixelColor(10, 20).red() == canvas.pixelColor(50, 20).red() == 0
