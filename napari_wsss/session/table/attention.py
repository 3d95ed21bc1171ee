"""How long a person worked on each image: the time between signs of life, pauses cut short."""

import time
from collections.abc import Callable

IDLE_SECONDS = 60.0
"""A longer pause counts as this much: whoever is gone for lunch does not look at the image."""


class Attention:
    """A clock for each image of a sitting.

    Parameters
    ----------
    clock : callable
        Returns seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spent: dict[str, float] = {}
        self._shown = ""
        self._last = 0.0

    def arrive(self, image_id: str) -> None:
        """Note that another image is on the table from now on, "" for none."""
        self.seen()
        self._shown = image_id

    def seen(self) -> None:
        """Note a sign of life."""
        now = self._clock()
        if self._shown:
            self._spent[self._shown] = self._spent.get(self._shown, 0.0) + min(now - self._last, IDLE_SECONDS)
        self._last = now

    def seconds(self, image_id: str) -> float:
        """Return how long a person worked on an image in this sitting, up to the last sign of life."""
        return self._spent.get(image_id, 0.0)

    def forget(self, image_id: str) -> None:
        """Begin an image's time anew (it was accepted)."""
        self._spent.pop(image_id, None)
