"""The order in which a person goes through the images, and the part of them a search shows.

The queue holds ids only, never records, and is a snapshot: deciding about an image does not move it under the
person's feet; `refresh` takes the order anew.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import get_args

from napari_wsss.core.errors import ParameterError
from napari_wsss.project.catalog import Catalog, Fact
from napari_wsss.project.criteria import Criteria, Order
from napari_wsss.session.table.search import parse

ORDERS: tuple[Order, ...] = tuple(order for order in get_args(Order) if not order.startswith("score_"))
"""``random`` may be followed by a seed: ``random(7)``."""

NEEDED: Mapping[str, tuple[Fact, str]] = {
    "uncertainty": ("score", "No proposals are computed yet"),
    "diversity": ("clusters", "There are no clusters yet (Clusters: make them)"),
    "changed": ("changed", "No model has changed proposals yet"),
    "disagrees": ("disagrees", "The model disagrees with no accepted mask"),
    "mismatch": ("mismatch", "Every accepted mask paints the labels of its image"),
}
"""What an order sorts by, and what to say while there is none of it."""
FALLBACK: Order = "undecided first"
LOOKED_UP_SINGLY = 50


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
    """

    def __init__(self, catalog: Catalog, class_names: Sequence[str]) -> None:
        self._catalog = catalog
        self._class_names = tuple(class_names)
        self.order = "file"
        self.search = ""
        self.remark = ""
        self._ids: list[str] = []
        self._positions: dict[str, int] = {}
        self.refresh()

    def __len__(self) -> int:
        return len(self._ids)

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
        fact, missing = NEEDED.get(order, (None, ""))
        self.remark = "" if fact is None or self._catalog.knows(fact) else f"{missing}: undecided images come first."
        self._ids = self._catalog.find(self._parse(self.search), FALLBACK if self.remark else order, seed)
        self._positions = {image_id: position for position, image_id in enumerate(self._ids)}

    def at(self, position: int) -> str:
        """Return the id at a position counted from 0."""
        return self._ids[position]

    def ids(self, start: int = 0, stop: int | None = None) -> list[str]:
        """Return the ids from position `start` up to, not including, `stop`."""
        return self._ids[start:stop]

    def ids_from(self, image_id: str) -> list[str]:
        """Return all ids, those from an image on before those that come before it."""
        position = self._positions.get(image_id, 0)
        return [*self._ids[position:], *self._ids[:position]]

    def position(self, image_id: str) -> int | None:
        """Return the position of an image counted from 0, None when the search hides it."""
        return self._positions.get(image_id)

    def neighbour(self, image_id: str | None, step: int) -> str | None:
        """Return the next image (step 1) or the one before (-1); None at the end.

        From an image the search hides, it goes to the first one shown.
        """
        position = self._positions.get(image_id) if image_id is not None else None
        found = 0 if position is None else position + step
        return self._ids[found] if 0 <= found < len(self._ids) else None

    def next_of(self, image_id: str | None, states: Collection[str], step: int = 1) -> str | None:
        """Return the next image in one of `states` (the one before with step -1), going round once; never itself.

        From an image the search hides it begins at the start, backwards at the end.
        """
        position = self._positions.get(image_id) if image_id is not None else None
        ahead = iter(self._round(position, step))
        near = self._first(islice(ahead, LOOKED_UP_SINGLY), states)
        if near is not None or len(self) <= LOOKED_UP_SINGLY:
            return near
        among = set(self._catalog.ids(states=states))
        return next((other for other in ahead if other in among), None)

    def _round(self, position: int | None, step: int) -> Iterable[str]:
        """Return all ids but that at `position`, in walking order from there."""
        if position is None:
            return self._ids if step > 0 else reversed(self._ids)
        after, before = range(position + 1, len(self._ids)), range(position)
        places = chain(after, before) if step > 0 else chain(reversed(before), reversed(after))
        return map(self._ids.__getitem__, places)

    def _first(self, ids: Iterable[str], states: Collection[str]) -> str | None:
        for image_id in ids:
            if self._catalog.state(image_id) in states:
                return image_id
        return None


def _order_and_seed(order: str) -> tuple[Order, int]:
    found = re.fullmatch(r"random\((\d+)\)", order)
    name, seed = ("random", int(found[1])) if found else (order, 0)
    if name not in ORDERS:
        raise ParameterError(f"There is no queue order {order!r}; choose one of: {', '.join(ORDERS)}.", name="order")
    return name, seed
