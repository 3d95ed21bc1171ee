"""Rows of measurements, the curves they make, and what is read from a curve: its area, and when it gets somewhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

FULL_MASKS = "masks"
SHARES = (0.85, 0.90, 0.95)
"""Of what full masks of most images reach."""


@dataclass(frozen=True)
class Row:
    """One measurement: so many images annotated, learned from, and scored.

    Parameters
    ----------
    policy, order : str
        What was given, and in which order of images.
    learner : bool
        Whether the pixel learner learned from it.
    images, seed : int
    gestures, waited : float
        Seconds of a person's gestures, and of the machine a person waited for.
    everything : float
        mIoU in [0, 1] of the masks of all images that could have been annotated, as they are now.
    held_out : float
        mIoU of the held-out split without refiners, labels given.
    refined : float, optional
        The same after the refiners.
    fit, cpu : float
        CPU seconds of the last fit, and of all since the row before, scoring included.
    """

    policy: str
    order: str
    learner: bool
    images: int
    seed: int
    gestures: float
    waited: float
    everything: float
    held_out: float
    refined: float | None
    fit: float
    cpu: float

    @property
    def seconds(self) -> float:
        """Seconds of a person, waiting included."""
        return self.gestures + self.waited

    @property
    def best(self) -> float:
        """Agreement with the held-out split (mIoU), refined where that was measured."""
        return self.held_out if self.refined is None else self.refined


@dataclass(frozen=True)
class Curve:
    """Means over seeds: mIoU against seconds of a person.

    Parameters
    ----------
    policy, order : str
    learner : bool
    images : tuple of int
        Ascending.
    seconds, everything, held_out : tuple of float
        One of each per number of images.
    """

    policy: str
    order: str
    learner: bool
    images: tuple[int, ...]
    seconds: tuple[float, ...]
    everything: tuple[float, ...]
    held_out: tuple[float, ...]

    @property
    def name(self) -> str:
        """What tells it apart from others."""
        order = "" if self.order == "random" else f", {self.order}"
        return f"{self.policy}{order}{'' if self.learner else ', no learner'}"


def curves_of(rows: Iterable[Row]) -> list[Curve]:
    """Return the curves of rows, in the order of their names.

    A number of images counts only if every seed of its curve has it: means would jump otherwise.
    """
    groups: dict[tuple[str, str, bool], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.policy, row.order, row.learner), []).append(row)
    found = []
    for (policy, order, learner), members in sorted(groups.items()):
        seeds = {row.seed for row in members}
        counts = sorted({row.images for row in members})
        whole = [[row for row in members if row.images == count] for count in counts]
        whole = [same for same in whole if {row.seed for row in same} == seeds] or whole
        means = [
            tuple(float(np.mean([getattr(row, name) for row in same])) for same in whole)
            for name in ("seconds", "everything", "best")
        ]
        found.append(Curve(policy, order, learner, tuple(same[0].images for same in whole), *means))
    return found


def area(seconds: Sequence[float], values: Sequence[float], span: tuple[float, float]) -> float:
    """Return the mean of a curve between two times, linear between its points: its area over its length.

    A span without length gives the value there; beyond its ends a curve stays as it is.
    """
    first, last = span
    if last <= first:
        return float(np.interp(first, seconds, values))
    inner = [at for at in seconds if first < at < last]
    at = np.asarray([first, *inner, last])
    return float(np.trapezoid(np.interp(at, seconds, values), at) / (last - first))


def common_span(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return the seconds from which, and up to which, all curves are measured."""
    return max(curve.seconds[0] for curve in curves), min(curve.seconds[-1] for curve in curves)


def seconds_until(seconds: Sequence[float], values: Sequence[float], wanted: float) -> float | None:
    """Return when a curve, linear between its points, first reaches a value; None when it does not.

    A curve that begins above it reaches it at its first point at the latest.
    """
    for place, value in enumerate(values):
        if value < wanted:
            continue
        if place == 0:
            return seconds[0]
        before = values[place - 1]
        part = (wanted - before) / (value - before)
        return seconds[place - 1] + part * (seconds[place] - seconds[place - 1])
    return None


def full_mask_figure(curves: Iterable[Curve]) -> float | None:
    """Return the held-out mIoU that most full masks reach with the learner, None where none were measured."""
    known = [curve for curve in curves if curve.policy == FULL_MASKS and curve.learner]
    most = max(known, key=lambda curve: curve.images[-1], default=None)
    return None if most is None else most.held_out[-1]
