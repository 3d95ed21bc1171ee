"""How long work reports itself: every long function is a generator of `Progress` that returns its result."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from napari_wsss.core.files import MOST_RECORD_BYTES, number, numbers, parsed_object, read_regular, text, whole

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
        """Return the `Progress` written by `to_dict`; unknown keys are ignored, missing or wrong ones get defaults."""
        return cls(
            stage=text(record, "stage"),
            done=whole(record, "done"),
            total=whole(record, "total"),
            message=text(record, "message"),
            metrics=numbers(record, "metrics"),
        )


def read_reports(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the reports in a file of one JSON object per line, and how many lines are none and left out.

    A line that a killed run has torn, that is not UTF-8, or that holds a word where a number belongs, is one of those.
    A missing file holds none.
    """
    try:
        lines = read_regular(path, MOST_RECORD_BYTES).splitlines()
    except FileNotFoundError:
        return [], 0
    except OSError:
        return [], 1
    found = [record for line in lines if (record := read_report(line)) is not None]
    return found, len(lines) - len(found)


def read_report(line: bytes | str) -> dict[str, Any] | None:
    """Return the report in a line, None when it is something else."""
    try:
        record = parsed_object(line)
        plain = Progress.from_dict(record).to_dict() | {"time": number(record, "time")}
    except ValueError:
        return None
    told = {name: value for name, value in record.items() if name in plain}
    return record if all(_is_kind_of(value, plain[name]) for name, value in told.items()) else None


def _is_kind_of(told: object, read: object) -> bool:
    """Tell whether a value was taken as it is: a wrong one has become another, or lost a part."""
    if isinstance(told, dict) and isinstance(read, dict):
        return told.keys() == read.keys()
    return isinstance(told, str) == isinstance(read, str) and (told == read or told != told)


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
