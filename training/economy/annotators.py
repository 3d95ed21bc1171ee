"""Simulated annotators: they know the true masks, give what a person would give, and say how long that takes.

What they give goes through the project (`project.review`, `project.masks`, the journal's strokes, scribble files),
the same rows and files a window's session writes through the same calls, and what the learner reads. They do not hold a
session: `training` never imports it, because a session starts trainings. What a session adds (the image on the table,
undo, prefetching) changes neither what is stored nor what is learned.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.scribbles import scribble_value
from napari_wsss.core.sources import Source, Sources
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import read_scribbles, write_scribbles
from training.economy.drawing import Points, boxed, brush_stroke, brushed, length_of, middle_line, outlined
from training.economy.hand import Hand
from training.economy.things import (
    Click,
    Region,
    agreement,
    clicks_in,
    clicks_of,
    deepest,
    largest_error,
    largest_error_region,
    things,
)

Mask = NDArray[np.uint8]
TAGS = "tags"
SATISFACTIONS = (0.80, 0.85, 0.90, 0.95)
"""Intersection over union at which a person accepts; one of them is drawn per image."""
MOST_STROKES = 30
"""Per image; then a person gives up and accepts."""
_SEEN, _LEAST_SEEN = 0.01, 2.0
"""Depth of an error up to which nobody sees it: a share of the picture's longer side, and at least so many pixels."""
_TOLERANCE = 0.01
"""How far the sides of a polygon lie from the border they follow, as a share of the picture's longer side."""


class Annotator(Protocol):
    """A person who annotates one image after the other.

    Attributes
    ----------
    rounds : int
        How often each image is visited; what was learned in between is seen at the next visit.
    looks : bool
        Whether it looks at proposals, and so waits for them.
    """

    rounds: int
    looks: bool

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
            What is shown to the person; None where nothing is proposed.
        """


class Tags:
    """Says which classes are in an image, nothing else."""

    rounds = 1
    looks = False

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def annotate(self, project: Project, image_id: str, truth: Mask, proposal: Mask | None) -> float:
        """Give the image the labels it has."""
        labels = project.catalog.get(image_id).labels
        project.set_labels(image_id, labels)
        return self._hand.costs.tag * len(labels)


class FullMasks:
    """Outlines every thing from nothing (P3)."""

    rounds = 1
    looks = False

    def __init__(self, hand: Hand) -> None:
        self._costs = hand.costs

    def annotate(self, project: Project, image_id: str, truth: Mask, proposal: Mask | None) -> float:
        """Accept the true mask."""
        project.review.accept(image_id, truth)
        return self._costs.full_mask * sum(1 for _ in things(truth)) + self._costs.accept


class Polygons:
    """Outlines every thing from nothing by a polygon, and pays for its corners."""

    rounds = 1
    looks = False

    def __init__(self, hand: Hand) -> None:
        self._costs = hand.costs

    def annotate(self, project: Project, image_id: str, truth: Mask, proposal: Mask | None) -> float:
        """Accept a mask of polygons: what lies in holes, and specks, is lost."""
        values, seconds = np.zeros_like(truth), self._costs.accept
        for value, region in things(truth):
            corners, covered = outlined(region, _TOLERANCE * max(truth.shape))
            values[covered] = value
            seconds += self._costs.vertex * corners
        project.review.accept(image_id, values)
        return seconds


class Boxes:
    """Draws a box around each thing and clicks in its middle: outside all boxes is background."""

    rounds = 1
    looks = False

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def annotate(self, project: Project, image_id: str, truth: Mask, proposal: Mask | None) -> float:
        """Keep the boxes as a draft, undecided inside, and the clicks as scribbles."""
        values, found = np.zeros_like(truth), list(things(truth))
        for _, region in found:
            values[boxed(region)] = IGNORE
        project.review.save_draft(image_id, values)
        clicks = [click for value, region in found for click in clicks_in(region, value, 1)]
        return self._hand.costs.box * len(found) + clicked(self._hand, project, image_id, clicks, truth.shape)


class ClicksOnThings:
    """Clicks so often on each thing and on the background, without looking at proposals (P5)."""

    rounds = 1
    looks = False

    def __init__(self, hand: Hand, count: int = 1) -> None:
        self._hand, self._count = hand, count

    def annotate(self, project: Project, image_id: str, truth: Mask, proposal: Mask | None) -> float:
        """Add the clicks to the image's scribbles."""
        return clicked(self._hand, project, image_id, clicks_of(truth, self._count), truth.shape)


class DeepestErrorClicks:
    """Clicks once at every visit, in the middle of the largest error of what is shown (P1, the robot of RITM).

    Where nothing is shown yet it clicks on the largest thing and on the background: less teaches nothing.
    """

    looks = True

    def __init__(self, hand: Hand, rounds: int = 3) -> None:
        self._hand, self.rounds = hand, rounds

    def annotate(self, project: Project, image_id: str, truth: Mask, proposal: Mask | None) -> float:
        """Add one click (two before anything was learned), none where the proposal has no error."""
        if proposal is None:
            found = [largest_error(truth, np.zeros_like(truth)), *clicks_in(truth == BACKGROUND, BACKGROUND, 1)]
        else:
            found = [largest_error(truth, proposal)]
        clicks = [click for click in found if click is not None]
        if not clicks:
            return self._hand.costs.accept
        return clicked(self._hand, project, image_id, clicks, truth.shape)


class ErrorScribbles:
    """Scribbles once at every visit, along the middle of the largest error of what is shown (P2, the robot of DAVIS).

    Where nothing is shown yet it scribbles on the largest thing and on the background.
    """

    looks = True

    def __init__(self, hand: Hand, rounds: int = 3) -> None:
        self._hand, self.rounds = hand, rounds

    def annotate(self, project: Project, image_id: str, truth: Mask, proposal: Mask | None) -> float:
        """Add one scribble (two before anything was learned), none where the proposal has no error."""
        shown = np.zeros_like(truth) if proposal is None else proposal
        found = [largest_error_region(truth, shown)]
        if proposal is None and (truth == BACKGROUND).any():
            found.append((BACKGROUND, truth == BACKGROUND))
        wrong = [one for one in found if one is not None]
        if not wrong:
            return self._hand.costs.accept
        offered, seconds = values_of(project, image_id), 0.0
        for value, region in wrong:
            line = self._hand.moved(middle_line(region), float(np.sqrt(region.sum())), truth.shape)
            put_down(project, image_id, line, self._hand.said(value, offered), truth.shape)
            seconds += self._hand.costs.stroke_of(length_of(line))
        return seconds


class Corrections:
    """Brushes over the largest errors of what is shown until they are too small to be seen, then accepts (P4).

    A brush is about as wide as the error it goes over, and somewhat wider (`Noise.spill`): what it covers beyond gets
    the stroke's value too, right or wrong. With `satisfactions` a person stops, or accepts at once, as soon as the mask
    agrees with the truth that well (P6).
    """

    rounds = 1
    looks = True

    def __init__(self, hand: Hand, satisfactions: tuple[float, ...] = ()) -> None:
        self._hand, self._satisfactions = hand, satisfactions

    def annotate(self, project: Project, image_id: str, truth: Mask, proposal: Mask | None) -> float:
        """Lay strokes over the proposal, or over nothing, and accept."""
        values = np.zeros_like(truth) if proposal is None else proposal.copy()
        enough = self._hand.drawn(self._satisfactions) if self._satisfactions else 1.0
        unseen = max(_LEAST_SEEN, _SEEN * max(truth.shape))
        seconds = self._hand.costs.accept
        if proposal is not None:
            project.review.save_draft(image_id, values, sources=Sources.uniform(values.shape, Source("proposal")))
        for _ in range(MOST_STROKES):
            wrong = largest_error_region(truth, values) if agreement(truth, values) < enough else None
            if wrong is None or deepest(wrong[1])[2] <= unseen:
                break
            seconds += self._stroke(project, image_id, values, *wrong)
        project.review.accept(image_id, values)  # who made its pixels is known from the draft
        return seconds

    def _stroke(self, project: Project, image_id: str, values: Mask, value: int, region: Region) -> float:
        """Brush over a region, in `values` and in the project; return the seconds."""
        line, radius = brush_stroke(region)
        wide = radius * (1 + self._hand.noise.spill)
        covered = np.flatnonzero(brushed(line, wide, values.shape) & (values != value))
        values.reshape(-1)[covered] = value
        project.review.record_stroke(image_id, covered, np.full(len(covered), value, np.uint8))
        return self._hand.costs.stroke_of(length_of(line))


def clicked(hand: Hand, project: Project, image_id: str, clicks: list[Click], shape: tuple[int, ...]) -> float:
    """Add clicks, as they land, to the scribbles of an image of this shape; return the seconds."""
    offered = values_of(project, image_id)
    for click in clicks:
        landed = hand.landed(click, shape, offered)
        put_down(project, image_id, np.asarray([[landed.row, landed.column]]), landed.value, shape)
    return hand.click_seconds(len(clicks))


def values_of(project: Project, image_id: str) -> tuple[int, ...]:
    """Return the mask values of an image's labels."""
    return tuple(k + 1 for k in project.classes.indices(project.catalog.get(image_id).labels))


def put_down(project: Project, image_id: str, points: Points, value: int, shape: tuple[int, ...]) -> None:
    """Add points (N, 2) of a mask value to the scribbles of an image of the given shape."""
    scribbles = read_scribbles(project, image_id)
    values = np.zeros(shape, np.uint8) if scribbles is None else scribbles
    values[points[:, 0], points[:, 1]] = scribble_value(value, project.classes)
    write_scribbles(project, image_id, values)


POLICIES: Mapping[str, Callable[[Hand], Annotator]] = {
    TAGS: Tags,
    "masks": FullMasks,
    "polygons": Polygons,
    "boxes": Boxes,
    "clicks": ClicksOnThings,
    "three_clicks": lambda hand: ClicksOnThings(hand, 3),
    "error_clicks": DeepestErrorClicks,
    "scribbles": ErrorScribbles,
    "corrections": Corrections,
    "satisfied": lambda hand: Corrections(hand, SATISFACTIONS),
}
"""Annotators by the name of what they do."""
