"""Typing filters, the best match is marked, arrows move the mark."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, Qt

from napari_wsss.widgets.controls.type_ahead import TypeAhead, best_first


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", ["dining table", "person", "tv_monitor", "table", "stable"]),
        ("ta", ["table", "dining table", "stable"]),
        ("MON", ["tv_monitor"]),
        ("zebra", []),
    ],
)
def test_what_starts_with_the_text_comes_first(typed, expected):
    assert best_first("Na", ["NA", "Na"]) == ["Na", "NA"]
    assert best_first(typed, ["dining table", "person", "tv_monitor", "table", "stable"]) == expected


class Taken(TypeAhead):
    """Notes what was taken."""

    def take(self, name):
        self.taken = name


def test_the_keyboard_is_enough(session, qtbot):
    popup = Taken(session)
    qtbot.addWidget(popup)
    popup.open_at(QPoint(10**6, 10**6))
    screen = popup.screen().availableGeometry()
    assert screen.contains(popup.pos())  # never beyond the screen
    qtbot.keyClicks(popup.text, "r")
    assert popup.matches() == ["red", "green"]
    qtbot.keyClick(popup.text, Qt.Key.Key_Down)
    qtbot.keyClick(popup.text, Qt.Key.Key_Return)
    assert popup.taken == "green"
    with qtbot.waitSignal(popup.closed):
        qtbot.keyClick(popup.text, Qt.Key.Key_Escape)
