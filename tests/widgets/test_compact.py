"""The left side of a window is folded where the picture has little room, and comes back."""

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from napari_wsss.widgets.compact import LEAST_SHARE, LEFT_DOCKS, Compact


@pytest.fixture
def window(qtbot):
    made = QMainWindow()
    made.setCentralWidget(QWidget())
    for name in (*LEFT_DOCKS, "WSSS"):
        dock = QDockWidget(name)
        dock.setObjectName(name)
        dock.setWidget(QWidget())
        dock.widget().setMinimumWidth(320)
        sides = Qt.DockWidgetArea
        made.addDockWidget(sides.LeftDockWidgetArea if name in LEFT_DOCKS else sides.RightDockWidgetArea, dock)
    qtbot.addWidget(made)
    made.show()
    return made


def shown(window):
    return [dock.objectName() for dock in window.findChildren(QDockWidget) if dock.isVisible()]


@pytest.mark.parametrize(("width", "folds"), [(1280, True), (3000, False)])
def test_it_folds_only_where_it_is_tight(window, width, folds):
    window.resize(width, 600)
    QApplication.processEvents()
    compact = Compact(window, window)
    assert compact.fold_if_tight() is folds
    QApplication.processEvents()
    assert ("layer list" not in shown(window)) is folds
    assert window.centralWidget().width() >= LEAST_SHARE * window.width()
    compact.give_back()
    assert len(shown(window)) == 3


def test_what_was_hidden_before_stays_hidden(window):
    window.findChild(QDockWidget, "layer controls").hide()
    compact = Compact(window, window)
    compact.toggle()
    assert shown(window) == ["WSSS"]
    compact.toggle()
    assert shown(window) == ["layer list", "WSSS"]


def test_it_waits_until_the_sizes_are_known_and_a_person_has_the_last_word(window, qtbot):
    window.resize(3000, 600)
    QApplication.processEvents()
    compact = Compact(window, window)
    compact.keep_room()
    assert not compact.is_folded
    with qtbot.waitSignal(compact.folded, timeout=5000):
        window.resize(1280, 600)
    assert compact.is_folded
    compact.keep_room()
    compact.toggle()
    window.resize(1290, 600)
    qtbot.wait(50)
    assert not compact.is_folded
