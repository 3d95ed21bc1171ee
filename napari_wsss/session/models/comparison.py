"""Looking at what a model changed in the shown image: after, before and the difference, each as one picture.

For an undecided image, before is what the model applied before had proposed; for an accepted one it is
the accepted mask. The views are asked for one after the other; they stay while a person goes from image to image, and
end when somebody paints.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.masks import Mask, overlap
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline.apply import last_move
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.models.difference import difference, tinted
from napari_wsss.session.models.names import model_title, titles_apart
from napari_wsss.session.results import stages
from napari_wsss.session.results.shown import resolve
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.save_state import SaveState
from napari_wsss.session.table.table import Table

View = Literal["", "after", "before", "difference"]
VIEWS: tuple[View, ...] = ("", "after", "before", "difference")
COMPARISON = "comparison"
PERSON = "your mask"


@dataclass(frozen=True)
class Pair:
    """Two masks (H, W) uint8 of one image and what a person calls them."""

    before: Mask
    after: Mask
    before_name: str
    after_name: str

    @property
    def changed(self) -> float:
        """1 - mean IoU of both, in [0, 1]."""
        return 1.0 - overlap(self.before, self.after)


@dataclass(frozen=True)
class Picture:
    """One view of an image: an opaque picture (H, W, 3) uint8, and a line that says what it shows."""

    picture: NDArray[np.uint8]
    caption: str


class Comparison:
    """The comparison of one session.

    Parameters
    ----------
    opened : Opened
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    view : str
        What is asked for, "" for no comparison.
    shown : Picture, optional
        The view of the shown image; None while there is none.
    """

    def __init__(self, opened: Opened, jobs: Jobs, signals: Signals) -> None:
        self.view: View = ""
        self.shown: Picture | None = None
        self._opened, self._jobs, self._signals = opened, jobs, signals
        signals.image_changed.connect(self._refresh)
        signals.proposal_changed.connect(self._on_proposal)
        signals.save_state_changed.connect(self._on_save_state)
        signals.project_closed.connect(self._on_closed)

    def cycle(self) -> bool:
        """Go on to the next view: after, before, difference, off."""
        return self.show(VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)])

    def show(self, view: View) -> bool:
        """Ask for a view of the shown image and of those that follow; `comparison_changed` tells when it is there."""
        if not view:
            self._end("The comparison is off." if self.view else "")
            return True
        self.view = view
        return self._ask()

    def _ask(self) -> bool:
        table = self._opened.or_none
        if table is None or not table.image_id:
            return False
        view, image_id = self.view, table.image_id
        work = partial(compared, table.project, image_id, table.image, table.proposal, view)
        job = Job(COMPARISON, work, key=COMPARISON, lane=COMPARISON, quiet=True)
        job.succeeded.connect(lambda shown: self._found(table, image_id, view, shown))
        job.failed.connect(lambda message, _error: self._end(message))
        self._jobs.submit(job)
        return True

    def _found(self, table: Table, image_id: str, view: View, shown: Picture | str) -> None:
        if not self._opened.holds(table) or image_id != table.image_id or view != self.view:
            return
        told = self.shown.caption if self.shown else ""
        self.shown = shown if isinstance(shown, Picture) else None
        caption = shown.caption if isinstance(shown, Picture) else shown
        if caption != told:
            self._signals.notice.emit(caption)
        self._signals.comparison_changed.emit(image_id)

    def _refresh(self, image_id: str) -> None:
        if not self.view:
            return
        self.shown = None  # never the picture of another image
        self._signals.comparison_changed.emit(image_id)
        self._ask()

    def _on_proposal(self, _image_id: str) -> None:
        if self.view:
            self._ask()

    def _on_save_state(self, state: SaveState) -> None:
        if self.view and state.kind == "unsaved":  # the picture hides what is being painted
            self._end("Comparing has ended, so that you see what you paint.")

    def _on_closed(self) -> None:
        self._end("")

    def _end(self, why: str) -> None:
        table = self._opened.or_none
        was_on, self.view, self.shown = self.view or self.shown, "", None
        self._jobs.cancel(COMPARISON)
        if why:
            self._signals.notice.emit(why)
        if was_on or not why:
            self._signals.comparison_changed.emit(table.image_id if table is not None else "")


def compared(
    project: Project, image_id: str, image: NDArray[np.uint8], proposal: Mask | None, view: View
) -> Steps[Picture | str]:
    """Return a view of an image, or why there is none.

    Parameters
    ----------
    project : Project
    image_id : str
    image : (H, W, 3) uint8
    proposal : (H, W) uint8, optional
        The one on the screen.
    view : str
    """
    yield Progress(COMPARISON, 0, 1)
    pair = pair_of(project, image_id, proposal)
    if isinstance(pair, str) or pair.after.shape != image.shape[:2] or pair.before.shape != image.shape[:2]:
        return pair if isinstance(pair, str) else "Nothing to compare: the image was replaced by one of another size."
    return Picture(drawn(image, pair, view, project.classes), caption_of(pair, view))


def pair_of(project: Project, image_id: str, proposal: Mask | None) -> Pair | str:
    """Return what is compared in an image, or one line that says why nothing can be."""
    if proposal is None:
        return "Nothing to compare: the image has no proposal yet."
    move = last_move(project)
    before_name, name = titles_apart(move) if move is not None else ("", model_title(project.plan))
    if (
        project.catalog.state(image_id) == "accepted"
        and (accepted := project.masks.read_accepted(image_id)) is not None
    ):
        return Pair(accepted, proposal, PERSON, name)
    if move is None:
        return "Nothing to compare: this is the first model that is applied."
    before = stages.stored_proposal(project, resolve(project, move.before, image_id))
    if before is None:
        return f"Nothing to compare: {before_name} left no proposal of this image."
    return Pair(before, proposal, before_name, name)


def drawn(image: NDArray[np.uint8], pair: Pair, view: View, classes: ClassList) -> NDArray[np.uint8]:
    """Return the picture (H, W, 3) uint8 of a view."""
    if view == "difference":
        return difference(image, pair.before, pair.after, classes)
    return tinted(image, pair.before if view == "before" else pair.after, classes)


def caption_of(pair: Pair, view: View) -> str:
    """Return the line that says what a view shows and what the next press gives."""
    share = f"{100 * pair.changed:.0f} %"
    if view == "difference":
        what = f"Difference: filled is new, striped is gone; {share} changed"
        return f"{what} from {pair.before_name} to {pair.after_name} · again: off"
    if view == "before":
        return f"Before: {pair.before_name}; after: {pair.after_name}, {share} changed · again: difference"
    return f"After: {pair.after_name}; before: {pair.before_name}, {share} changed · again: before"
