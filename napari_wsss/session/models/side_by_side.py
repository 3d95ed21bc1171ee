"""Two pictures beside each other: one image with two masks, or two images, each drawn in the background.

A side is an image and what lies over it: nothing, the person's mask, that of another person, the proposal, what the
model before had proposed, or the activation maps before any refiner.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.masks import Mask, overlap
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline.apply import last_move
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.models.difference import tinted
from napari_wsss.session.models.names import model_title, titles_apart
from napari_wsss.session.models.second_masks import Second, second_masks
from napari_wsss.session.results import stages
from napari_wsss.session.results.machine import read_machine
from napari_wsss.session.results.shown import resolve
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened

What = Literal["photograph", "mask", "proposal", "before", "maps", "theirs"]
TITLES: dict[What, str] = {
    "photograph": "photograph",
    "mask": "your mask",
    "proposal": "proposal",
    "before": "proposal of the model before",
    "maps": "maps without refiners",
    "theirs": "another person's mask",
}
"""What can lie over an image -> what a person reads."""
BESIDE = "side by side"
NEAR = 8
"""Images of the queue before and after the shown one that are offered."""


@dataclass(frozen=True)
class Side:
    """One side: an image, "" for the shown one, and what lies over it; ``theirs`` is in the project folder `of`."""

    what: What
    image_id: str = ""
    of: Path | None = None


@dataclass(frozen=True, eq=False)
class Drawn:
    """A drawn side: its picture (H, W, 3) uint8, the mask (H, W) uint8 in it if there is one, and a caption."""

    picture: NDArray[np.uint8]
    mask: Mask | None
    caption: str


class SideBySide:
    """Two sides of one session; drawn again when another image is shown.

    Parameters
    ----------
    opened : Opened
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    sides : (Side, Side)
        Left and right, as asked for.
    drawn : tuple of Drawn
        Both, or none while they are being drawn.
    text : str
        How much the masks of both differ, or why nothing can be shown.
    changed : Signal()
        There is something else to be seen.
    """

    changed = Signal()

    def __init__(self, opened: Opened, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._jobs = opened, jobs
        self.sides: tuple[Side, Side] = (Side("mask"), Side("proposal"))
        self.drawn: tuple[Drawn, ...] = ()
        self.text = ""
        self._wanted = False
        self._signals = signals
        signals.project_closed.connect(self.end)

    def begin(self) -> bool:
        """Draw both sides now, and again with each image, until `end`; False while no image is shown."""
        table = self._opened.or_none
        if table is None or not table.image_id:
            return False
        if not self._wanted:
            self._signals.image_changed.connect(self._on_image)
        self._wanted = True
        self._ask()
        return True

    def end(self) -> None:
        """Draw no more, and keep nothing."""
        if self._wanted:
            self._signals.image_changed.disconnect(self._on_image)
        self._wanted, self.drawn, self.text = False, (), ""
        self._jobs.cancel(BESIDE)
        self.changed.emit()

    def choose(self, place: int, side: Side) -> None:
        """Put another side on the left (0) or the right (1)."""
        self.sides = (side, self.sides[1]) if place == 0 else (self.sides[0], side)
        if self._wanted:
            self._ask()

    def near(self) -> tuple[str, ...]:
        """Return the images of the queue around the shown one, the nearest first."""
        table = self._opened.or_none
        if table is None or not table.image_id:
            return ()
        found: list[str] = []
        for step in (1, -1):
            here = table.image_id
            for _ in range(NEAR):
                there = table.queue.neighbour(here, step)
                if there is None:
                    break
                found.append(there)
                here = there
        return tuple(dict.fromkeys(one for one in found if one != table.image_id))

    def _on_image(self, _image_id: str) -> None:
        self._ask()

    def _ask(self) -> None:
        table = self._opened.or_none
        if table is None or not table.image_id:
            return
        table.record_last()
        left, right = (replace(side, image_id=side.image_id or table.image_id) for side in self.sides)
        work = partial(drawn, table.project, (left, right), {table.image_id: table.mask.copy()})
        asked = self.sides, table.image_id
        job = Job(BESIDE, work, key=BESIDE, lane=BESIDE, quiet=True)
        job.succeeded.connect(lambda found: self._found(asked, found))
        job.failed.connect(lambda message, _error: self._say(message))
        self._jobs.submit(job)

    def _found(self, asked: tuple[tuple[Side, Side], str], found: tuple[Drawn, Drawn] | str) -> None:
        table = self._opened.or_none
        if table is None or not self._wanted or asked != (self.sides, table.image_id):
            return
        if isinstance(found, str):
            self._say(found)
            return
        self.drawn, self.text = found, differ_text(*found)
        self.changed.emit()

    def _say(self, text: str) -> None:
        self.drawn, self.text = (), text
        self.changed.emit()


def drawn(project: Project, sides: tuple[Side, Side], shown: dict[str, Mask]) -> Steps[tuple[Drawn, Drawn] | str]:
    """Return both sides as pictures, or one line that says why there is none.

    Parameters
    ----------
    project : Project
    sides : (Side, Side)
    shown : dict of str to (H, W) uint8
        Masks as they are on the table, by image id.
    """
    found: list[Drawn] = []
    for done, side in enumerate(sides):
        yield Progress(BESIDE, done, len(sides), side.image_id)
        pixels = project.load_image(side.image_id).pixels
        if side.what == "photograph":
            found.append(Drawn(pixels, None, side.image_id))
            continue
        mask, name = mask_of(project, side, shown)
        if mask is None or mask.shape != pixels.shape[:2]:
            return f"{side.image_id} has no {TITLES[side.what]}."
        found.append(Drawn(tinted(pixels, mask, project.classes), mask, f"{name} · {side.image_id}"))
    return found[0], found[1]


def mask_of(project: Project, side: Side, shown: dict[str, Mask]) -> tuple[Mask | None, str]:
    """Return the mask (H, W) uint8 of a side, None where there is none, and what a person calls it."""
    title = TITLES[side.what]
    if side.what == "mask":
        return shown.get(side.image_id, project.masks.read_working(side.image_id)), title
    if side.of is not None:
        second = Second(side.of)
        with second_masks(project, second) as found:
            return found(side.image_id), f"mask in {second.name}"
    now = resolve(project, project.plan, side.image_id)
    if side.what == "before":
        move = last_move(project)
        if move is None:
            return None, title
        return stages.stored_proposal(project, now.under(move.before)), f"before: {titles_apart(move)[0]}"
    machine = read_machine(project, now, stages.base_maps(project, now))
    if side.what == "maps":
        return (None if machine.live is None else machine.live.at(machine.threshold)), title
    return (
        machine.proposal,
        f"{title} of {titles_apart(move)[1] if (move := last_move(project)) else model_title(project.plan)}",
    )


def differ_text(left: Drawn, right: Drawn) -> str:
    """Return how much two masks of one image differ, "" where they are not of one size."""
    if left.mask is None or right.mask is None or left.mask.shape != right.mask.shape:
        return ""
    changed = float(np.mean(left.mask != right.mask))
    return f"{changed:.1%} of the pixels differ; mean IoU {overlap(left.mask, right.mask):.0%}"
