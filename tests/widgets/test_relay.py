"""Calls from other threads run in the Qt thread, in order; none after closing."""

from __future__ import annotations

import threading

from qtpy.QtCore import QObject

from napari_wsss.widgets.relay import QtRelay


def test_calls_arrive_in_order_in_the_qt_thread(qtbot, relay):
    seen = []

    def work():
        for number in range(50):
            relay(lambda number=number: seen.append((number, threading.current_thread())))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == []  # not in the calling thread
    qtbot.waitUntil(lambda: len(seen) == 50, timeout=20000)
    assert [number for number, _ in seen] == list(range(50))
    assert {where for _, where in seen} == {threading.main_thread()}


def test_after_closing_nothing_runs(qtbot, relay):
    seen = []
    relay(lambda: seen.append("queued"))
    relay.close()
    relay(lambda: seen.append("late"))
    qtbot.wait(20)
    assert seen == []


def test_a_relay_whose_window_is_gone_is_silent(qapp):
    parent = QObject()
    relay = QtRelay(parent)
    parent.deleteLater()
    del parent
    qapp.sendPostedEvents(None, 52)  # deferred deletions
    relay(lambda: None)
    relay(lambda: None)
