"""The order in which a person goes through the images, and the part of them a search shows.

The queue holds the images' numbers only, 8 bytes for each, never records, and is a snapshot: deciding about an image
does not move it under the person's feet; `refresh` takes the order anew. Their ids are asked for by the page.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ParameterError, ProjectError
from napari_wsss.project.catalog import Catalog
from napari_wsss.project.criteria import Criteria, Order
from napari_wsss.project.listing.reading import Fact
from napari_wsss.session.table.search import parse

COMPARED = "differs"
"""The order by how far compared masks differ, which is measured (`models.disagreement`) and kept in memory only."""
ORDERS: tuple[str, ...] = (*(order for order in get_args(Order) if not order.startswith("score_")), COMPARED)
"""``random`` may be followed by a seed: ``random(7)``."""

NEEDED: Mapping[str, tuple[Fact, str]] = {
    "uncertainty": ("score", "No proposals are computed yet"),
    "diversity": ("clusters", "There are no clusters yet (Clusters: make them)"),
    "changed": ("changed", "No model has changed proposals yet"),
    "disagrees": ("disagrees", "The model disagrees with no accepted mask"),
    "mismatch": ("mismatch", "Every accepted mask paints the labels of its image"),
}
"""What an order sorts by, and what to say while there is none of it."""
NOT_COMPARED = "No masks were compared yet (Stats: Compare)"
FALLBACK: Order = "undecided first"
LOOKED_UP_SINGLY = 50
PAGE = 200
"""Ids that are asked for together."""
MOST_PAGES = 50
Numbers: TypeAlias = NDArray[np.int32]


class Queue:
    """Images in a chosen order.

    Parameters
    ----------
    catalog : Catalog
        Asked for ids; its records are never loaded as a whole.
    class_names : sequence of str
        For the search.

    Attributes
    ----------
    order, search : str
        As chosen.
    remark : str
        Why the images are in another order than the chosen one, "" when they are in it.
    differs : mapping
        Image -> how far its accepted mask and the second one differ, in [0, 1]; what the order `COMPARED` sorts by,
        after the next `refresh`. Empty while that was not measured.
    """

    def __init__(self, catalog: Catalog, class_names: Sequence[str]) -> None:
        self._catalog = catalog
        self._class_names = tuple(class_names)
        self.order = "file"
        self.search = ""
        self.remark = ""
        self.differs: Mapping[str, float] = {}
        self._numbers: Numbers = np.empty(0, np.int32)  # in the queue's order
        self._places: Numbers = np.empty(0, np.int32)  # of each number, from 1; 0 for those the search hides
        self._pages: dict[int, list[str]] = {}
        self._known: dict[str, int] = {}  # positions of the images in these pages
        self.refresh()

    def __len__(self) -> int:
        return len(self._numbers)

    def set_order(self, order: str) -> None:
        """Choose one of `ORDERS` and refresh; raise `ParameterError` when there is no such order."""
        _order_and_seed(order)
        self.order = order
        self.refresh()

    def set_search(self, text: str) -> None:
        """Show only images that match a search line and refresh; `ParameterError` as in `session.table.search`."""
        self._parse(text)
        self.search = text
        self.refresh()

    def set_classes(self, class_names: Sequence[str]) -> None:
        """Let the search know the classes by other names, and refresh."""
        self._class_names = tuple(class_names)
        self.refresh()

    def _parse(self, text: str) -> Criteria:
        return parse(text, self._class_names, self._catalog.clusters.names() if "cluster" in text else ())

    def refresh(self) -> None:
        """Take order and matches from the catalog as it is now."""
        order, seed = _order_and_seed(self.order)
        missing = self._missing_for(order)
        self.remark = f"{missing}: undecided images come first." if missing else ""
        by_catalog = FALLBACK if missing or order == COMPARED else cast(Order, order)
        self._numbers = self._catalog.numbers(self._parse(self.search), by_catalog, seed)
        if order == COMPARED:
            self._numbers = self._most_different_first(self._numbers)
        self._places = np.zeros(len(self._catalog) + 1, np.int32)
        self._places[self._numbers] = np.arange(1, len(self._numbers) + 1, dtype=np.int32)
        self._pages, self._known = {}, {}

    def _missing_for(self, order: str) -> str:
        """Return what there is nothing of yet to sort by, "" when there is."""
        if order == COMPARED:
            return "" if self.differs else NOT_COMPARED
        fact, missing = NEEDED.get(order, (None, ""))
        return "" if fact is None or self._catalog.knows(fact) else missing

    def _most_different_first(self, numbers: Numbers) -> Numbers:
        """Return images with the measured ones first, the largest difference before all; others stay as they are."""
        shares = np.full(len(self._catalog) + 1, -1.0)
        for image_id, share in self.differs.items():
            shares[self._catalog.number(image_id)] = share
        return numbers[np.argsort(-shares[numbers], kind="stable")]

    def at(self, position: int) -> str:
        """Return the id at a position counted from 0."""
        place = range(len(self._numbers))[position]
        return (self._pages.get(place // PAGE) or self._page(place // PAGE))[place % PAGE]

    def _page(self, page: int) -> list[str]:
        """Ask for a page of ids; who has one already spares the call."""
        if len(self._pages) >= MOST_PAGES:
            self._pages, self._known = {}, {}
        found = self._pages[page] = self._catalog.ids_of(self._numbers[page * PAGE : (page + 1) * PAGE])
        self._known.update(zip(found, range(page * PAGE, page * PAGE + len(found)), strict=True))
        return found

    def ids(self, start: int = 0, stop: int | None = None) -> list[str]:
        """Return the ids from position `start` up to, not including, `stop`."""
        first, last, _ = slice(start, stop).indices(len(self._numbers))
        if last - first > PAGE:
            return self._catalog.ids_of(self._numbers[first:last])
        page = first // PAGE
        found = (self._pages.get(page) or self._page(page))[first - page * PAGE : last - page * PAGE]
        over = last - (page + 1) * PAGE
        return found if over <= 0 else found + (self._pages.get(page + 1) or self._page(page + 1))[:over]

    def ids_from(self, image_id: str) -> list[str]:
        """Return all ids, those from an image on before those that come before it."""
        position = self.position(image_id) or 0
        return self._catalog.ids_of(np.roll(self._numbers, -position))

    def position(self, image_id: str) -> int | None:
        """Return the position of an image counted from 0, None when the search hides it."""
        known = self._known.get(image_id)
        if known is not None:
            return known
        try:
            number = self._catalog.number(image_id)
        except ProjectError:
            return None
        place = int(self._places[number]) if number < len(self._places) else 0
        return place - 1 if place else None

    def neighbour(self, image_id: str | None, step: int) -> str | None:
        """Return the next image (step 1) or the one before (-1); None at the end.

        From an image the search hides, it goes to the first one shown.
        """
        position = self.position(image_id) if image_id is not None else None
        found = 0 if position is None else position + step
        if not 0 <= found < len(self._numbers):
            return None
        return (self._pages.get(found // PAGE) or self._page(found // PAGE))[found % PAGE]

    def next_of(self, image_id: str | None, states: Collection[str], step: int = 1) -> str | None:
        """Return the next image in one of `states` (the one before with step -1), going round once; never itself.

        From an image the search hides it begins at the start, backwards at the end.
        """
        position = self.position(image_id) if image_id is not None else None
        for other in self._near(position, step):
            if self._catalog.state(other) in states:
                return other
        among = np.zeros(len(self._places), bool)
        found = self._catalog.numbers(Criteria(states=tuple(states)))
        among[found[found < len(among)]] = True
        places = np.flatnonzero(among[self._numbers])  # those in one of the states, as the queue goes
        places = places[places != position] if position is not None else places
        if not len(places):
            return None
        if step > 0:
            after = places[places > position] if position is not None else places
            return self.at(int(after[0] if len(after) else places[0]))
        before = places[places < position] if position is not None else places
        return self.at(int(before[-1] if len(before) else places[-1]))

    def _near(self, position: int | None, step: int) -> list[str]:
        """Return the next ids from a position on in walking order, those around the end left out."""
        if step > 0:
            first = 0 if position is None else position + 1
            return self.ids(first, first + LOOKED_UP_SINGLY)
        last = len(self._numbers) if position is None else position
        return self.ids(max(0, last - LOOKED_UP_SINGLY), last)[::-1]


def _order_and_seed(order: str) -> tuple[str, int]:
    found = re.fullmatch(r"random\((\d+)\)", order)
    name, seed = ("random", int(found[1])) if found else (order, 0)
    if name not in ORDERS:
        raise ParameterError(f"There is no queue order {order!r}; choose one of: {', '.join(ORDERS)}.", name="order")
    return name, seed
