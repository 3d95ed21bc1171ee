"""The key list names every key, what it does, why it does nothing now; and another key is one press away."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_wsss.widgets.keys.help import WAITING, KeyHelp, key_rows
from napari_wsss.widgets.keys.table import KEYS


@pytest.fixture
def help_(actions, session, qtbot):
    made = KeyHelp(actions, session.own_keys)
    qtbot.addWidget(made)
    made.open()
    return made


def texts(help_, action):
    position = next(n for n, line in enumerate(help_._rows) if line.action == action)
    return position, help_.table.item(position, 0).text(), help_.table.item(position, 1).text()


def wait_for(help_, action):
    help_.table.selectRow(texts(help_, action)[0])
    help_.change.click()
    assert texts(help_, action)[1] == WAITING


def test_every_key_is_listed_with_its_reason(actions):
    rows = {line.key: line for line in key_rows(actions)}
    assert rows["7"].reason == "the project has 3 classes"
    assert rows["W"].reason == ""
    assert rows["2"].title == "paint green"
    assert rows["C (hold)"].title.startswith("show the proposal")
    assert "Shift+Y" in rows
    assert len(rows) > len(KEYS)  # napari's own are named too


def test_it_closes_with_escape_and_with_its_own_key(help_, qtbot):
    assert help_.table.rowCount() == len(help_._rows)
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_K):
        help_.open()
        with qtbot.waitSignal(help_.toggled) as told:
            qtbot.keyClick(help_.table, key)
        assert told.args == [False]
        assert not help_.isVisible()


def test_another_key_is_pressed_refused_and_taken(help_, actions, session, qtbot):
    wait_for(help_, "accept")
    qtbot.keyClick(help_.table, Qt.Key.Key_E)
    assert help_.message.text().startswith("E is napari's: labels erase mode.")
    qtbot.keyClick(help_.table, Qt.Key.Key_S)
    assert help_.message.text().startswith("S is taken: skip")
    qtbot.keyClick(help_.table, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert "cannot be used" in help_.message.text()
    qtbot.keyClick(help_.table, Qt.Key.Key_O, Qt.KeyboardModifier.ShiftModifier)
    assert session.own_keys.keys == {"accept": "Shift-O"}
    assert actions.key_of("accept") == "Shift+O"
    assert texts(help_, "accept")[1] == "Shift+O *"
    help_.default.click()
    assert texts(help_, "accept")[1] == "W"


def test_escape_leaves_the_key_and_all_defaults_come_back(help_, session, qtbot):
    session.own_keys.choose("skip", "Shift-X")
    session.own_keys.choose("flag", "F6")
    wait_for(help_, "accept")
    qtbot.keyClick(help_.table, Qt.Key.Key_Escape)
    assert help_.isVisible()
    assert texts(help_, "accept")[1] == "W"
    help_.all_defaults.click()
    assert session.own_keys.keys == {}
    assert texts(help_, "skip")[1] == "S"
    assert not help_.all_defaults.isEnabled()


def test_it_follows_what_is_done(help_, actions):
    assert "not now" not in texts(help_, "copy_class")[2]
    actions.run("ignore")
    assert texts(help_, "copy_class")[2].endswith("not now: proposals hold no ignore pixels")


def test_napari_s_own_keys_are_left_to_napari(help_):
    help_.table.selectRow(help_.table.rowCount() - 1)
    assert not help_.change.isEnabled()
