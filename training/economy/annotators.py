"""Simulated annotators: they know the true masks, give what a person would give, and say how long that takes."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.scribbles import scribble_value
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import read_scribbles, write_scribbles
from training.economy.costs import Costs
from training.economy.things import Click, clicks_in, clicks_of, largest_error, things

Mask = NDArray[np.uint8]
Proposal = Callable[[str], Mask | None]


class Annotator(Protocol):
    """A person who annotates one image after the other.

    Attributes
    ----------
    rounds : int
        How often each image is visited; what was learned in between is seen at the next visit.
    """

    rounds: int

    def annotate(self, project: Project, image_id: str, truth: Mask, proposal: Mask | None) -> float:
        """Give something about an image and return the seconds it took.

        Parameters
        ----------
        project : Project
            Receives it, by the same doors a window uses.
        image_id : str
        truth : (H, W) uint8
            The true mask.
        proposal : (H, W) uint8, optional
            What is shown to the person; None before anything was learned.
        """


class FullMasks:
    """Outlines every thing from nothing (P3)."""

    rounds = 1

    def __init__(self, costs: Costs) -> None:
        self._costs = costs

    def annotate(self, project: Project, image_id: str, truth: Mask, proposal: Mask | None) -> float:
        """Accept the true mask."""
        project.review.accept(image_id, truth)
        return self._costs.full_mask * sum(1 for _ in things(truth)) + self._costs.accept


class ClicksOnThings:
    """Clicks so often on each thing and on the background, without looking at proposals (P5)."""

    rounds = 1

    def __init__(self, costs: Costs, count: int = 1) -> None:
        self._costs, self._count = costs, count

    def annotate(self, project: Project, image_id: str, truth: Mask, proposal: Mask | None) -> float:
        """Add the clicks to the image's scribbles."""
        clicks = clicks_of(truth, self._count)
        for click in clicks:
            put_down(project, image_id, click, truth.shape)
        return self._costs.click * len(clicks)


class DeepestErrorClicks:
    """Clicks once at every visit, in the middle of the largest error of what is shown (P1, the robot of RITM).

    Where nothing is shown yet it clicks on the largest thing and on the background: less teaches nothing.
    """

    def __init__(self, costs: Costs, rounds: int = 3) -> None:
        self._costs, self.rounds = costs, rounds

    def annotate(self, project: Project, image_id: str, truth: Mask, proposal: Mask | None) -> float:
        """Add one click (two before anything was learned), none where the proposal has no error."""
        if proposal is None:
            found = [largest_error(truth, np.zeros_like(truth)), *clicks_in(truth == BACKGROUND, BACKGROUND, 1)]
        else:
            found = [largest_error(truth, proposal)]
        clicks = [click for click in found if click is not None]
        for click in clicks:
            put_down(project, image_id, click, truth.shape)
        return self._costs.click * len(clicks) if clicks else self._costs.accept


def put_down(project: Project, image_id: str, click: Click, size: tuple[int, ...]) -> None:
    """Add one pixel to the scribbles of an image of the given size."""
    scribbles = read_scribbles(project, image_id)
    values = np.zeros(size, np.uint8) if scribbles is None else scribbles
    values[click.row, click.column] = scribble_value(click.value, project.classes)
    write_scribbles(project, image_id, values)
