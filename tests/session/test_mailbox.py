"""The dispatch of programs without a window."""

from __future__ import annotations

import threading

from napari_wsss.session.mailbox import Mailbox


def test_calls_are_made_in_order_by_who_drains() -> None:
    mailbox, seen = Mailbox(), []
    for number in range(3):
        mailbox(lambda number=number: seen.append((number, threading.current_thread())))  # type: ignore[misc]
    assert seen == []
    assert mailbox.drain() == 3
    assert seen == [(number, threading.current_thread()) for number in range(3)]


def test_draining_until_a_condition_makes_calls_of_other_threads() -> None:
    mailbox, seen = Mailbox(), []
    threading.Timer(0.02, lambda: mailbox(lambda: seen.append(1))).start()
    assert mailbox.drain_until(lambda: bool(seen), timeout=5)
    assert not mailbox.drain_until(lambda: False, timeout=0.02)
