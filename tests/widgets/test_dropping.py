"""Photographs and projects that are dropped on a window are ours, all else is napari's."""

import pytest
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

from napari_wsss.session.dropped import Dropped
from napari_wsss.widgets.dropping import Dropping
from tests.session.conftest import write_picture

COPY, LEFT, NO_KEY = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Taker(QWidget):
    """Takes any drop, as napari's canvas does."""

    def __init__(self):
        super().__init__()
        self.setAcceptDrops(True)
        self.dropped = 0

    def dragEnterEvent(self, event):
        event.acceptProposedAction()

    def dropEvent(self, event):
        self.dropped += 1


@pytest.fixture
def window(qtbot):
    made = QWidget()
    made.canvas = Taker()
    layout = QVBoxLayout(made)
    layout.addWidget(made.canvas)
    qtbot.addWidget(made)
    return made


def drop(widget, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    coming = QDragEnterEvent(QPoint(1, 1), COPY, data, LEFT, NO_KEY)
    QApplication.sendEvent(widget, coming)
    QApplication.sendEvent(widget, QDropEvent(QPointF(1, 1), COPY, data, LEFT, NO_KEY))
    return coming.isAccepted()


def test_what_is_ours_is_taken_before_the_canvas(window, tmp_path):
    taken = []
    write_picture(tmp_path / "photos" / "a.png", 1)
    (tmp_path / "other.txt").write_text("text")
    dropping = Dropping(taken.append, lambda _found: False, window)
    dropping.watch(window)
    assert drop(window.canvas, tmp_path / "photos")
    assert taken == [Dropped("images", tmp_path / "photos")]
    assert window.canvas.dropped == 0
    drop(window.canvas, tmp_path / "other.txt")
    assert len(taken) == 1
    assert window.canvas.dropped == 1
    dropping.end()
    drop(window.canvas, tmp_path / "photos")
    assert (len(taken), window.canvas.dropped) == (1, 2)
