"""The order in which a person goes through the images, and the part of them a search shows.

The queue holds ids only, never records, and is a snapshot: deciding about an image does not move it under the
person's feet; `refresh` takes the order anew.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import islice

from napari_wsss.core.catalog import Catalog
from napari_wsss.core.criteria import Criteria, Order
from napari_wsss.core.errors import ParameterError
from napari_wsss.session.search import parse

ORDERS = ("file", "undecided first", "uncertainty", "flagged", "random")
"""``random`` may be followed by a seed: ``random(7)``."""

Ranks = tuple[tuple[tuple[str, ...], Order], ...]
_UNDECIDED_FIRST: Ranks = (
    (("draft",), "file"),
    (("todo",), "file"),
    (("skipped",), "file"),
    (("flagged",), "file"),
    (("accepted", "excluded"), "file"),
)
_UNCERTAIN_FIRST: Ranks = (
    (("draft", "todo", "skipped"), "score_descending"),
    (("flagged", "accepted", "excluded"), "score_descending"),
)
_RANKS: dict[str, Ranks] = {
    "undecided first": _UNDECIDED_FIRST,
    "uncertainty": _UNCERTAIN_FIRST,
    "flagged": ((("flagged",), "file"), *(rank for rank in _UNDECIDED_FIRST if rank[0] != ("flagged",))),
}
LOOKED_UP_SINGLY = 50


class Queue:
    """Images in a chosen order.

    Parameters
    ----------
    catalog : Catalog
        Asked for ids; its records are never loaded as a whole.
    class_names : sequence of str
        For the search.
    """

    def __init__(self, catalog: Catalog, class_names: Sequence[str]) -> None:
        self._catalog = catalog
        self._class_names = tuple(class_names)
        self.order = "file"
        self.search = ""
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
        """Show only images that match a search line and refresh; `ParameterError` as in `session.search`."""
        parse(text, self._class_names)
        self.search = text
        self.refresh()

    def refresh(self) -> None:
        """Take order and matches from the catalog as it is now."""
        order, seed = _order_and_seed(self.order)
        criteria = parse(self.search, self._class_names)
        if order in _RANKS:
            self._ids = [image_id for rank in _RANKS[order] for image_id in self._ranked(criteria, *rank)]
        else:
            self._ids = self._catalog.find(criteria, "random" if order == "random" else "file", seed)
        self._positions = {image_id: position for position, image_id in enumerate(self._ids)}

    def _ranked(self, criteria: Criteria, states: Collection[str], order: Order) -> list[str]:
        wanted = states if criteria.states is None else [state for state in states if state in criteria.states]
        return self._catalog.find(replace(criteria, states=wanted), order) if wanted else []

    def at(self, position: int) -> str:
        """Return the id at a position counted from 0."""
        return self._ids[position]

    def ids(self, start: int = 0, stop: int | None = None) -> list[str]:
        """Return the ids from position `start` up to, not including, `stop`."""
        return self._ids[start:stop]

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

    def next_of(self, image_id: str | None, states: Collection[str]) -> str | None:
        """Return the next image in one of `states`, going round to the start once; never `image_id` itself."""
        position = self._positions.get(image_id, -1) if image_id is not None else -1
        ahead = [*self._ids[position + 1 :], *self._ids[: max(0, position)]]
        near = self._first(islice(ahead, LOOKED_UP_SINGLY), states)
        if near is not None or len(ahead) <= LOOKED_UP_SINGLY:
            return near
        among = set(self._catalog.ids(states=states))
        return next((other for other in islice(ahead, LOOKED_UP_SINGLY, None) if other in among), None)

    def _first(self, ids: Iterable[str], states: Collection[str]) -> str | None:
        return next((image_id for image_id in ids if self._catalog.state(image_id) in states), None)


def _order_and_seed(order: str) -> tuple[str, int]:
    found = re.fullmatch(r"random\((\d+)\)", order)
    name, seed = ("random", int(found[1])) if found else (order, 0)
    if name not in ORDERS:
        raise ParameterError(f"There is no queue order {order!r}; choose one of: {', '.join(ORDERS)}.", name="order")
    return name, seed
