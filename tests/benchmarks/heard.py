"""Listens to what a stage says of itself, to know how fast it goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import TextIOBase


class Heard(TextIOBase):
    """Notes when a stage's lines of progress arrive; validations between the steps of a training do not count."""

    def __init__(self, stage: str, clock: Callable[[], float]) -> None:
        self._stage, self._clock = stage, clock
        self._between = 0.0
        self.times: dict[int, float] = {}

    def write(self, text: str) -> int:
        """Take in a line."""
        for line in text.splitlines():
            said = json.loads(line) if line.startswith("{") else {}
            if said.get("stage") != self._stage:
                continue
            if int(said["done"]) not in self.times:
                self.times[int(said["done"])] = self._clock() - self._between
            elif said["message"] == "validated":
                self._between = self._clock() - self.times[int(said["done"])]
        return len(text)

    def rate(self, warm: int) -> float:
        """Return how many steps a second there were after the first `warm`."""
        first, last = min(one for one in self.times if one >= warm), max(self.times)
        return (last - first) / (self.times[last] - self.times[first])
