"""A person's keys are laid over the defaults; impossible and doubled ones are refused and passed over."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent

from napari_wsss.widgets.keys.own_keys import key_in, key_table, why_not
from napari_wsss.widgets.keys.table import KEYS


def keys(table):
    return {entry.action: entry.key for entry in table}


def test_without_choices_the_table_is_the_default():
    assert key_table({}) == KEYS


def test_a_chosen_key_is_bound_on_the_layers_too():
    table = key_table({"accept": "Shift-W", "skip": "F5"})
    assert keys(table)["accept"] == "Shift-W"
    assert next(entry for entry in table if entry.action == "accept").scope == "layers"
    assert keys(table)["skip"] == "F5"
    assert keys(table)["flag"] == "Q"


def test_a_file_edited_by_hand_never_doubles_a_key():
    table = key_table({"accept": "S", "skip": "Ctrl-S", "flag": "F5", "next": "F5", "nothing": "F6"})
    assert len({entry.key for entry in table}) == len(table)
    assert keys(table)["accept"] == "W"
    assert keys(table)["skip"] == "S"


def test_two_actions_may_swap_their_keys():
    table = key_table({"accept": "S", "skip": "W"})
    assert (keys(table)["accept"], keys(table)["skip"]) == ("S", "W")


def test_digits_can_be_left_to_napari():
    table = key_table({}, digits_mean_classes=False)
    assert not any(entry.key.isdigit() for entry in table)
    assert len(table) == len(KEYS) - 10


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("Shift-O", ""),
        ("Shift-T", ""),
        ("W", ""),  # its own
        ("M", "taken: choose the class"),
        ("E", "napari's: labels erase mode"),
        ("Shift-V", "napari's"),
        ("Ctrl-S", "cannot be used"),
        ("Space", "cannot be used"),
        ("5", "cannot be used"),
        ("Shift-1", "cannot be used"),
        ("Escape", "cannot be used"),
    ],
)
def test_reasons(key, reason):
    found = why_not(key, KEYS, "accept")
    assert (reason in found) if reason else found == ""


@pytest.mark.parametrize(
    ("key", "modifiers", "expected"),
    [
        (Qt.Key.Key_O, Qt.KeyboardModifier.NoModifier, "O"),
        (Qt.Key.Key_O, Qt.KeyboardModifier.ShiftModifier, "Shift-O"),
        (Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier, "Ctrl-S"),
        (Qt.Key.Key_Comma, Qt.KeyboardModifier.NoModifier, ","),
        (Qt.Key.Key_PageDown, Qt.KeyboardModifier.NoModifier, "PageDown"),
        (Qt.Key.Key_Shift, Qt.KeyboardModifier.ShiftModifier, ""),
    ],
)
def test_key_events_are_named_as_napari_names_them(key, modifiers, expected):
    assert key_in(QKeyEvent(QEvent.Type.KeyPress, key, modifiers)) == expected
