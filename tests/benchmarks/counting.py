"""Counts what a piece of work makes: database statements in every thread, calls of our own functions in this one."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

_WRITES = ("INSERT", "UPDATE", "DELETE")
OURS = str(Path(__file__).parents[2] / "napari_wsss")


class Statement(NamedTuple):
    """One statement that SQLite ran, ``BEGIN`` and ``COMMIT`` included, and in which thread."""

    text: str
    thread: int


class Counting:
    """A count that goes on while its contexts are open; it belongs to the thread that made it.

    Attributes
    ----------
    statements : list of Statement
        Those run between `start` and `stop` on the connections opened within `connections`, in their order.
    calls : Counter of (str, str)
        (file below napari_wsss, function) -> how often this thread entered it within `calling`. A generator counts
        each time it goes on, as `sys.setprofile` tells it.
    """

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.calls: Counter[tuple[str, str]] = Counter()
        self._owner = threading.get_ident()
        self._notes = False

    @contextmanager
    def connections(self) -> Iterator[None]:
        """Follow every SQLite connection that is opened within, until it is closed."""
        connect = sqlite3.connect

        def followed(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection = connect(*arguments, **options)
            connection.set_trace_callback(self._note)
            return connection

        sqlite3.connect = followed  # type: ignore[assignment]
        try:
            yield
        finally:
            sqlite3.connect = connect

    def _note(self, text: str) -> None:
        if not self._notes:
            return
        one = Statement(" ".join(text.split()), threading.get_ident())
        # SQLite tells of every statement of a trigger; Python hands on the one that set it off, word for word.
        is_trigger_s = one.text.startswith(_WRITES) and self.statements[-1:] == [one]
        if not is_trigger_s:
            self.statements.append(one)

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Count calls within."""
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _profile(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(OURS):
            self.calls[code.co_filename.removeprefix(OURS)[1:], code.co_qualname] += 1

    def start(self) -> None:
        """Forget what was counted and note statements from now on."""
        self.statements.clear()
        self.calls.clear()
        self._notes = True

    def stop(self) -> None:
        """Note no more statements."""
        self._notes = False

    @property
    def own(self) -> int:
        """How many statements this thread has run."""
        return sum(statement.thread == self._owner for statement in self.statements)

    @property
    def files(self) -> int:
        """How many of our files the calls went through."""
        return len({file for file, _ in self.calls})
