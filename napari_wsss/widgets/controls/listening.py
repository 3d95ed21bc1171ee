"""Listening to a session for as long as a widget lives: no signal ever reaches what Qt has deleted.

psygnal and napari hold a bound method weakly, but what they watch is Python's object, and that may live on when Qt has
deleted the widget behind it (a reference somewhere, a cycle that is not collected yet); the next signal would then fail
inside the session. So what an object listens to is noted at the object and ends with Qt's `destroyed`, or earlier with
`let_go`, the one way to close a widget.
"""

from collections.abc import Callable
from typing import Any, Protocol

from qtpy.QtCore import QObject, QTimer

Slot = Callable[..., object]
HELD = "_wsss_heard"


class Tells(Protocol):
    """A signal of psygnal, or an event of napari."""

    def connect(self, slot: Any, /) -> object:
        """Call `slot` from now on."""

    def disconnect(self, slot: Any, /) -> object:
        """Call it no more; it need not be connected."""


class _Heard:
    """What one object listens to.

    It is kept in the object's own attributes: Qt holds `end` weakly, so that the garbage collector, which takes signals
    and slots apart in any order, never runs it.
    """

    def __init__(self) -> None:
        self._pairs: list[tuple[Tells, Slot]] = []

    def add(self, pairs: tuple[tuple[Tells, Slot], ...]) -> None:
        for signal, slot in pairs:
            signal.connect(slot)
        self._pairs += pairs

    def drop(self, pairs: tuple[tuple[Tells, Slot], ...]) -> None:
        self._pairs = [pair for pair in self._pairs if pair not in pairs]
        for signal, slot in pairs:
            signal.disconnect(slot)

    def end(self) -> None:
        self.drop(tuple(self._pairs))


def listen(owner: QObject, *pairs: tuple[Tells, Slot], until: Tells | None = None) -> None:
    """Connect signals to slots until `owner` is deleted or let go.

    Parameters
    ----------
    owner : QObject
        Lives at least as long as its slots are of use: a widget, or the Qt object that stands for a part without one.
    *pairs : (signal, slot)
        Slots are methods of `owner` or of what is inside it, or functions that use it.
    until : signal, optional
        Ends it too: what comes and goes often, like a job, must not pile up at an owner that stays.

    Examples
    --------
    >>> listen(page, (session.signals.image_changed, page.refresh))  # doctest: +SKIP
    >>> listen(page, (job.succeeded, page.show_result), until=job.ended)  # doctest: +SKIP
    """
    heard = getattr(owner, HELD, None)
    if heard is None:
        heard = _Heard()
        setattr(owner, HELD, heard)
        owner.destroyed.connect(heard.end)
    heard.add(pairs)
    if until is not None:
        until.connect(lambda: heard.drop(pairs))


def let_go(owner: QObject) -> None:
    """End what `owner` and everything inside it listens to, and stop their timers; harmless when repeated."""
    for one in (owner, *owner.findChildren(QObject)):
        if isinstance(one, QTimer):
            one.stop()
        heard = getattr(one, HELD, None)
        if heard is not None:
            heard.end()
