"""Verifying many proposals at a glance: a page of pictures, the bad ones are marked, the rest is accepted in one step.

Only untouched images with a proposal of the applied model are shown, the surest first. What was marked stays undecided
and is put aside for the sitting, so that the next page holds what was not seen yet.
"""

from collections.abc import Sequence
from dataclasses import replace

from psygnal import Signal

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.plural import counted
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.image_clusters import UNTOUCHED
from napari_wsss.session.gallery.batch import BatchAccept
from napari_wsss.session.gallery.pictures import GalleryPictures, Wish
from napari_wsss.session.proposals.inference import Inference
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.search import parse

FEWEST, MOST = 3, 6
"""Pictures in a row, and rows, of a page."""


class ProposalGrid:
    """The pages of one session.

    Parameters
    ----------
    opened : Opened
    batch : BatchAccept
        Accepts what was seen.
    pictures : GalleryPictures
        Draws the proposals.
    inference : Inference
        Makes those that are missing.
    signals : Signals

    Attributes
    ----------
    search : str
        Which images: a search line (see `session.table.search`).
    side : int
        Pictures in a row, and rows.
    marked : set of str
        Of the page, those that will not be accepted.
    missing : list of str
        Images that the search finds and that have no proposal of now.
    changed : Signal()
        Other images, another page, other marks.
    """

    changed = Signal()

    def __init__(
        self, opened: Opened, batch: BatchAccept, pictures: GalleryPictures, inference: Inference, signals: Signals
    ) -> None:
        self._opened, self._batch, self._pictures, self.signals = opened, batch, pictures, signals
        self._inference, self.missing = inference, list[str]()
        self.search, self.side, self.marked = "", 4, set[str]()
        self._ids: list[str] = []
        self._page = 0
        self._aside: set[str] = set()
        self._sure: dict[str, float] = {}
        self._accepting = False
        signals.project_opened.connect(self._forget)
        signals.project_closed.connect(self._forget)
        batch.done.connect(self._on_done)
        inference.finished.connect(self._on_finished)
        signals.maps_ready.connect(lambda image_id: self._sure.pop(image_id, None))

    def _forget(self) -> None:
        self.search, self._ids, self.missing, self._page = "", [], [], 0
        self.marked.clear()
        self._aside.clear()
        self._sure.clear()
        self._accepting = False
        self.changed.emit()

    @reported
    def find(self, search: str = "") -> bool:
        """Show the untouched proposals of the images a search line finds, the surest first; False where it is wrong."""
        table = self._opened.table
        catalog = table.project.catalog
        wanted = parse(search, table.classes.current, catalog.clusters.names())
        if wanted.states is not None and not set(wanted.states) & set(UNTOUCHED):
            raise ParameterError("Only images without a decision have proposals to verify; leave `state:` out.")
        self.search, self._page = search, 0
        self._ids = [one for one in catalog.find(_untouched(wanted), "uncertainty")[::-1] if one not in self._aside]
        self.missing = self._without(wanted)
        self.marked.clear()
        self._sure.clear()
        self.changed.emit()
        return True

    def _without(self, wanted: Criteria) -> list[str]:
        """Return the labelled images among the wanted ones that nobody touched and that have no proposal of now."""
        if wanted.score_above is not None or wanted.score_below is not None:
            return []  # asked of proposals that are there
        shown = {*self._ids, *self._aside}
        alike = replace(_untouched(wanted), stale=None, score_below=None, unlabelled=False)
        return [one for one in self._opened.table.project.catalog.find(alike, "file") if one not in shown]

    @reported
    def compute_missing(self) -> bool:
        """Have the proposals made that are missing; each comes to the end of the pages when it is there."""
        return bool(self.missing) and self._inference.start(self.missing)

    def _on_finished(self, ids: Sequence[str]) -> None:
        """Append what was missing; what a person looks at keeps its place."""
        waiting = set(self.missing)
        found = [one for one in ids if one in waiting]
        if found:
            self._ids += found
            self._sure.clear()
            self.missing = [one for one in self.missing if one not in set(found)]
            self.changed.emit()

    @property
    def page(self) -> tuple[str, ...]:
        """The images of the page."""
        first = self._page * self.side**2
        return tuple(self._ids[first : first + self.side**2])

    @property
    def text(self) -> str:
        """Where one is, and what Enter does."""
        if self._opened.or_none is None:
            return ""
        if not self._ids:
            lacking = (
                f"{counted(len(self.missing), 'image has', 'images have')} no proposal yet." if self.missing else ""
            )
            return lacking or "No untouched proposal is left here."
        pages = -(-len(self._ids) // self.side**2)
        left = len(self.page) - len(self.marked)
        aside = f" · {len(self._aside)} put aside" if self._aside else ""
        without = sum(bool(self.lacking(one)) for one in self.page if one not in self.marked)
        warned = f", {without} without a labelled class" if without else ""
        count = counted(len(self._ids), "image")
        return f"page {self._page + 1} of {pages} · {count}{aside} · Enter accepts {left}{warned}"

    def confidence(self, image_id: str) -> float:
        """Return 1 - uncertainty of an image's proposal, in [0, 1], 0 where a label is in doubt; asked once a page."""
        if image_id not in self._sure:
            found = self._opened.table.project.catalog.get(image_id)
            self._sure[image_id] = 0.0 if found.doubtful else 1.0 - float(found.score or 0.0)
        return self._sure[image_id]

    def lacking(self, image_id: str) -> tuple[str, ...]:
        """Return the labelled classes of which an image's proposal has no pixel, () until its picture is made."""
        return self._pictures.lacking(image_id)

    def picture(self, image_id: str, side: int) -> object:
        """Return the picture (h, w, 3) uint8 of an image and its proposal, None until `pictures.ready` tells it."""
        return self._pictures.get(image_id, "", side)

    def is_of_page(self, wish: Wish) -> bool:
        """Return whether a picture that was made belongs to the page."""
        return not wish.class_name and wish.image_id in self.page

    def resize(self, side: int) -> None:
        """Show so many pictures in a row, and as many rows; the first picture of the page stays on it."""
        first = self._page * self.side**2
        self.side = min(MOST, max(FEWEST, side))
        self._turn_to(first // self.side**2)

    def turn(self, pages: int) -> None:
        """Go on or back by pages; marks are of one page."""
        last = max(0, -(-len(self._ids) // self.side**2) - 1)
        self._turn_to(min(last, max(0, self._page + pages)))

    def _turn_to(self, page: int) -> None:
        self._page = page
        self.marked.clear()
        self.changed.emit()

    def toggle(self, image_id: str) -> None:
        """Mark an image of the page as bad, or take the mark away."""
        if image_id in self.page:
            self.marked ^= {image_id}
            self.changed.emit()

    @reported
    def accept_rest(self) -> bool:
        """Accept every image of the page that is not marked, as one undoable step; the marked ones are put aside."""
        page = self.page
        if self._accepting or not page:
            return False
        table = self._opened.table
        if table.project.read_only:
            raise ParameterError("The project is open read-only, so nothing can be accepted.")
        good = [one for one in page if one not in self.marked]
        self._aside |= self.marked
        self._ids = [one for one in self._ids if one not in page]
        self._page = min(self._page, max(0, -(-len(self._ids) // self.side**2) - 1))
        self.marked.clear()
        self._accepting = bool(good)
        self._batch.accept_seen(good, self.search or "all images")
        self.changed.emit()
        return True

    def _on_done(self, _of: str, _accepted: int, _left_out: int) -> None:
        self._accepting = False


def _untouched(wanted: Criteria) -> Criteria:
    """Return criteria for the images among the wanted ones that have a proposal of now and that nobody touched."""
    states = set(UNTOUCHED) & set(wanted.states) if wanted.states is not None else set(UNTOUCHED)
    below = wanted.score_below if wanted.score_below is not None else 2.0  # any score: a proposal was made
    return replace(wanted, states=states, stale=False, score_below=below)
