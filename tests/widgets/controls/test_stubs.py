"""What Qt's stubs do not say: the same call, the same slot, the same flags."""

from __future__ import annotations

import pytest

pytest.importorskip("qtpy")

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QListWidgetItem

from napari_wsss.widgets.controls.stubs import certain, connect, united, without


class Bell(QObject):
    rung = Signal(int)


class Listener(QObject):
    def __init__(self):
        super().__init__()
        self.heard = []

    def hear(self, times):
        self.heard.append(times)
        return len(self.heard)


def test_what_is_there_is_returned_as_it_is():
    there: list[int] = []
    assert certain(there) is there


def test_what_is_missing_is_noticed_at_once():
    with pytest.raises(AssertionError):
        certain(None)


def test_a_slot_may_return_something(qapp):
    bell, listener = Bell(), Listener()
    connect(bell.rung, listener.hear)
    bell.rung.emit(3)
    assert listener.heard == [3]


def test_a_deleted_listener_is_not_called(qapp):
    """As with a plain `connect`: what PyQt gets is the method, not something around it."""
    bell, listener = Bell(), Listener()
    heard = listener.heard
    connect(bell.rung, listener.hear)
    del listener
    bell.rung.emit(3)
    assert heard == []


def test_flags_are_joined():
    right, middle = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignVCenter
    assert united(right, middle) == right | middle
    assert united(right) == right


def test_an_items_flag_is_left_out_and_the_others_stay():
    item = QListWidgetItem()
    before, editable, enabled = item.flags(), Qt.ItemFlag.ItemIsEditable, Qt.ItemFlag.ItemIsEnabled
    item.setFlags(without(before | editable, enabled))
    assert item.flags() == (before ^ enabled) | editable
    item.setFlags(without(item.flags(), enabled))
    assert item.flags() == (before ^ enabled) | editable
