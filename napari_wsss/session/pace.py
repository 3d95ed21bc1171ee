"""How long work that reports its steps will still take; what came before its first step (loading) is left out."""

import time

from napari_wsss.core.progress import Progress


class Pace:
    """Hears the reports of one piece of work and tells the time left."""

    def __init__(self) -> None:
        self._since: tuple[float, Progress] | None = None
        self._last: Progress | None = None

    def hear(self, progress: Progress) -> None:
        """Take a report; another part of the work (another stage or total) has a pace of its own."""
        if progress.total <= 0:
            return
        began = self._since[1] if self._since is not None else None
        if began is None or (began.stage, began.total) != (progress.stage, progress.total):
            self._since = time.monotonic(), progress
        self._last = progress

    def seconds_left(self) -> float | None:
        """Return the expected seconds to the end, None before two different steps were heard."""
        if self._since is None or self._last is None:
            return None
        when, first = self._since
        steps = self._last.done - first.done
        return (time.monotonic() - when) / steps * (self._last.total - self._last.done) if steps > 0 else None
