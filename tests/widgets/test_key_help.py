"""The key list names every key, what it does, and why it does nothing now."""

from __future__ import annotations

from qtpy.QtCore import Qt

from napari_wsss.widgets.key_help import KeyHelp, key_rows
from napari_wsss.widgets.keys import KEYS


def test_every_key_is_listed_with_its_reason(actions):
    rows = {key: (title, reason) for key, title, reason in key_rows(actions)}
    assert rows["7"][1] == "disabled because the project has 3 classes"
    assert rows["W"][1] == ""
    assert rows["2"] == ("paint green", "")
    assert rows["C (hold)"][0].startswith("show the proposal")
    assert len(rows) > len(KEYS)  # napari's own are named too


def test_the_window_closes_with_escape(actions, qtbot):
    window = KeyHelp(actions)
    qtbot.addWidget(window)
    window.open()
    assert window.table.rowCount() == len(key_rows(actions))
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()
