"""How long work reports itself: every long function is a generator of `Progress` that returns its result."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeVar

Result = TypeVar("Result")
Steps = Generator["Progress", None, Result]
"""A long function's type: iterate it for `Progress`, its return value is the result, closing it cancels."""


@dataclass(frozen=True)
class Progress:
    """One report of a running stage.

    Parameters
    ----------
    stage : str
        What runs, in the field's words (``localize``, ``refine``, ``classifier`` ...).
    done, total : int
        Finished and expected units; ``total`` 0 means unknown.
    message : str
        One line for a person.
    metrics : mapping of str to float
        Figures to plot (loss, mIoU, learning rate ...).
    """

    stage: str
    done: int = 0
    total: int = 0
    message: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def fraction(self) -> float | None:
        """Share of the work done in [0, 1], or None when the total is unknown."""
        return min(1.0, self.done / self.total) if self.total > 0 else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types (one line of ``events.jsonl``)."""
        return {**vars(self), "metrics": dict(self.metrics)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Progress:
        """Return the `Progress` written by `to_dict`; unknown keys are ignored, missing ones get defaults."""
        metrics = {str(k): float(v) for k, v in dict(record.get("metrics", {})).items()}
        return cls(
            stage=str(record.get("stage", "")),
            done=int(record.get("done", 0)),
            total=int(record.get("total", 0)),
            message=str(record.get("message", "")),
            metrics=metrics,
        )


def finish(steps: Steps[Result], told: Callable[[Progress], object] = lambda _: None) -> Result:
    """Run a long function to its end and return its result; `told` gets its reports."""
    while True:
        try:
            told(next(steps))
        except StopIteration as stop:
            result: Result = stop.value
            return result


def retold(steps: Steps[Result], told: Callable[[Progress], Progress]) -> Steps[Result]:
    """Run a long function with other reports: what `told` makes of each. Closing this closes it."""
    with closing(steps):
        while True:
            try:
                report = next(steps)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            yield told(report)
