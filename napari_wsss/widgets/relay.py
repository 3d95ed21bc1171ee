"""Hands calls from the job thread over to the Qt thread, in order."""

from collections.abc import Callable

from qtpy.QtCore import QObject, Qt, Signal


class QtRelay(QObject):
    """Callable from any thread; what it is given runs later in the thread that made the relay.

    Examples
    --------
    >>> session.jobs.dispatch = QtRelay(dock)  # doctest: +SKIP
    """

    _queued = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open = True
        # Queued even from the Qt thread itself: a job's reports arrive in the order they were made.
        # PyQt5's stubs leave out the kind of connection.
        self._queued.connect(self._run, Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]

    def __call__(self, call: Callable[[], object]) -> None:
        """Run `call` in the Qt thread; after `close` it is dropped."""
        if not self._open:
            return
        try:
            self._queued.emit(call)
        except RuntimeError:  # the Qt object is gone: the window closed while a job was ending
            self._open = False

    def _run(self, call: Callable[[], object]) -> None:
        if self._open:
            call()

    def close(self) -> None:
        """Drop everything still queued and everything that comes later."""
        self._open = False
