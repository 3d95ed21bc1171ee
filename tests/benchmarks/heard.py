"""Listens to what a stage says of itself, to know how fast it goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import TextIOBase
from itertools import pairwise


class Heard(TextIOBase):
    """Notes when a stage's lines of progress arrive.

    What a training does at the end of an epoch, validation and the writing of models, does not count: nor does the step
    after it, which cannot be told apart from it.
    """

    def __init__(self, stage: str, clock: Callable[[], float]) -> None:
        self._stage, self._clock = stage, clock
        self._kept: set[int] = set()
        self.times: dict[int, float] = {}

    def write(self, text: str) -> int:
        """Take in a line."""
        for line in text.splitlines():
            said = json.loads(line) if line.startswith("{") else {}
            if said.get("stage") != self._stage:
                continue
            done = int(said["done"])
            if done not in self.times:
                self.times[done] = self._clock()
            elif said["message"] == "validated":
                self._kept.add(done)
        return len(text)

    def rate(self, warm: int) -> float:
        """Return how many steps a second there were after the first `warm`; nan where none was timed."""
        between = [(a, b) for a, b in pairwise(sorted(self.times)) if a >= warm and a not in self._kept]
        seconds = sum(self.times[b] - self.times[a] for a, b in between)
        return sum(b - a for a, b in between) / seconds if between else float("nan")
