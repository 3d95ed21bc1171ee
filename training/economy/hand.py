"""The hand of a simulated person: what its gestures cost, how far they miss, what they confuse."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.errors import ParameterError
from napari_wsss.core.parameters import parameter
from training.economy.costs import Costs
from training.economy.things import Click

Points = NDArray[np.int64]


@dataclass(frozen=True)
class Noise:
    """How gestures go wrong; without options they do not, but for what a brush spills."""

    click_jitter: float = parameter(
        0.0,
        "Click jitter",
        "How far a click or scribble lands from where it is meant, as a share of the side of what is meant (the root "
        "of its area): standard deviation, along both axes. A person's may be 0.02.",
        bounds=(0.0, 1.0),
    )
    wrong_class: float = parameter(
        0.0,
        "Wrong class",
        "Share of clicks and scribbles that name another of the image's labels, or background. A person's may be 0.05.",
        bounds=(0.0, 1.0),
    )
    spill: float = parameter(
        0.15,
        "Spill",
        "How much wider a brush is than the error it is drawn over, as a share: so much goes over its borders.",
        bounds=(0.0, 5.0),
    )


class Hand:
    """Costs and noise of one person, drawn in an order fixed by the seed.

    Parameters
    ----------
    costs : Costs
    noise : Noise
    seed : int

    Raises
    ------
    ParameterError
        When the file of click times cannot be read, or holds something else than seconds.
    """

    def __init__(self, costs: Costs, noise: Noise = Noise(), seed: int = 0) -> None:
        self.costs, self.noise = costs, noise
        self._times = click_times(Path(costs.click_times)) if costs.click_times else np.asarray([costs.click])
        self._random = np.random.default_rng([seed, 7])

    def click_seconds(self, count: int) -> float:
        """Return the seconds of so many clicks."""
        return float(self._random.choice(self._times, count).sum())

    def landed(self, click: Click, shape: tuple[int, ...], offered: tuple[int, ...]) -> Click:
        """Return where a click lands in a mask of this shape, and what it says; `offered` are the image's values."""
        ((row, column),) = self.moved(np.asarray([[click.row, click.column]]), click.side, shape)
        return replace(click, row=int(row), column=int(column), value=self.said(click.value, offered))

    def moved(self, points: Points, side: float, shape: tuple[int, ...]) -> Points:
        """Return points (N, 2) rows and columns, all moved alike, kept inside a mask of this shape."""
        if self.noise.click_jitter == 0:
            return points
        away = self._random.normal(0, self.noise.click_jitter * side, 2)
        return np.clip(np.rint(points + away).astype(np.int64), 0, np.asarray(shape[:2]) - 1)

    def said(self, value: int, offered: tuple[int, ...]) -> int:
        """Return the mask value a person names who means `value`."""
        others = sorted({BACKGROUND, *offered} - {value})
        if not others or self._random.random() >= self.noise.wrong_class:
            return value
        return int(self._random.choice(others))

    def drawn(self, options: tuple[float, ...]) -> float:
        """Return one of the options, drawn evenly."""
        return float(self._random.choice(options))


def click_times(path: Path) -> NDArray[np.float64]:
    """Return the seconds (N,) in a text file, one a line.

    Raises
    ------
    ParameterError
        When it cannot be read, is empty, or holds anything but numbers from 0 on.
    """
    try:
        found = np.asarray([float(line) for line in path.read_text(encoding="utf-8").split()])
    except (OSError, ValueError) as reason:
        raise ParameterError(f"{path} is no table of click times ({reason}).", name="click_times") from reason
    if not len(found) or not (np.isfinite(found) & (found >= 0)).all():
        raise ParameterError(f"{path} needs one number of seconds a line, from 0 on.", name="click_times")
    return found
