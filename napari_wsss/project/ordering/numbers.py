"""The numbers of very many images in a queue's order: SQLite is asked what is true of few, the rest is sorted here.

SQLite takes half a second and more to sort a million rows and to hand them over one by one. Most of what an order goes
by is the same for nearly all images (most are still to do, have no score, disagree with nothing), and `schema.RARE` has
an index of the others. The orders are those of `criteria.ORDERS`, whose terms stand here in the same places.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_wsss.project.criteria import MISMATCH, Criteria, Order, anywhere, mixed, rank_of
from napari_wsss.project.database import Database
from napari_wsss.project.ordering.common_text import lacking
from napari_wsss.project.ordering.rounds import round_the_clusters
from napari_wsss.project.ordering.samples import share_holding
from napari_wsss.project.ordering.sorting import order_of
from napari_wsss.project.states import STATES, UNDECIDED

Numbers = NDArray[np.int32]
_OTHERS = tuple(state for state in STATES if state != "todo")
_BY_STATE = " UNION ALL ".join(  # each by itself: to tell groups apart takes as long as to hand their numbers over
    f"SELECT {state!r}, (SELECT group_concat(number) FROM images WHERE state = {state!r})" for state in _OTHERS
)
_OF_CLASS = "SELECT image FROM labels WHERE class = (SELECT position FROM classes WHERE name = ?) ORDER BY image"


def numbers_of(terms: Terms, criteria: Criteria, by_parts: bool = False) -> Numbers:
    """Return the numbers of the images that fulfil criteria, ascending.

    Parameters
    ----------
    terms : Terms
        Of the project.
    criteria : Criteria
    by_parts : bool
        See `Criteria.where`.
    """
    rest = replace(criteria, states=None, classes=())
    if rest != Criteria():
        # Parts of ids find few images: SQLite would take longer to gather all of a class than to find these.
        asked = replace(criteria, classes=()) if by_parts else criteria
        condition, values = asked.where(by_parts)
        found = terms.database.whole_numbers(f"SELECT number FROM images WHERE {condition} ORDER BY number", values)
        return _of_classes(terms, found, criteria.classes) if by_parts else found
    if criteria.states is not None and not criteria.classes:
        return np.flatnonzero(terms.among(criteria.states)).astype(np.int32)
    found = _of_classes(terms, np.arange(1, terms.count + 1, dtype=np.int32), criteria.classes)
    return found if criteria.states is None else found[terms.among(criteria.states)[found]]


def _of_classes(terms: Terms, found: Numbers, names: Collection[str]) -> Numbers:
    for name in names if len(found) else ():
        with_it = terms.database.whole_numbers(_OF_CLASS, (name,))
        with_it = with_it[with_it <= terms.count]
        found = with_it if len(found) == terms.count else np.intersect1d(found, with_it, assume_unique=True)
    return found


def in_order(terms: Terms, chosen: Numbers, order: Order) -> Numbers:
    """Return numbers of images in an order.

    Parameters
    ----------
    terms : Terms
        Of the project.
    chosen : (n,) int32
        Ascending.
    order : str
    """
    if order == "file" or not len(chosen):
        return chosen
    if order == "diversity":
        return round_the_clusters(terms.database, chosen, terms.decided)
    found = _by_column(terms, chosen, *_FIRST_BY[order]) if order in _FIRST_BY else chosen
    for term in reversed(_ORDERS[order]):  # each sort keeps the order of what is equal
        found = found[order_of(term(terms, found))]
    return found


def _by_column(terms: Terms, chosen: Numbers, column: str, direction: str) -> Numbers:
    """Return chosen numbers by a column that has an index, those without a value behind the others."""
    sql = f"SELECT number FROM images WHERE {column} IS NOT NULL ORDER BY {column} {direction}, number"
    known = terms.database.remembered(column, lambda: terms.database.whole_numbers(sql), direction)
    is_left = np.zeros(terms.count + 1, bool)
    is_left[chosen] = True
    known = known[known <= terms.count]
    known = known[is_left[known]]
    is_left[known] = False
    return np.concatenate([known, np.flatnonzero(is_left).astype(np.int32)])


class Terms:
    """What orders go by, an array (count + 1,) each: of every image by its number; the entry 0 is nobody's.

    Parameters
    ----------
    database : Database
    count : int
        How many images the project has: numbers go from 1 to it.
    seed : int
        Of the order ``random``.
    """

    def __init__(self, database: Database, count: int, seed: int = 0) -> None:
        self.database, self.count, self.seed = database, count, seed

    @cached_property
    def states(self) -> NDArray[np.uint8]:
        """Place in `STATES` of every image's state; those that are still to do are not asked for."""
        found = np.full(self.count + 1, STATES.index("todo"), np.uint8)
        known = self.database.remembered("state", lambda: self.database.numbers_by_group(_BY_STATE))
        for (state,), numbers in known:
            found[numbers[numbers <= self.count]] = STATES.index(state)  # some were added since it was counted
        return found

    def among(self, states: Collection[str]) -> NDArray[np.bool_]:
        """Return whether an image is in one of these states; nobody is in none."""
        found = np.asarray([state in states for state in STATES]).take(self.states)
        found[0] = False
        return found

    @cached_property
    def rank(self) -> NDArray[np.uint8]:
        """The place of an image's state among all."""
        return np.asarray([rank_of(state) for state in STATES], np.uint8).take(self.states)

    @property
    def decided(self) -> NDArray[np.bool_]:
        """Whether a person has decided about it."""
        return ~self.among(UNDECIDED)

    @property
    def unflagged(self) -> NDArray[np.bool_]:
        """Whether it is not flagged."""
        return np.asarray(self.states != STATES.index("flagged"))

    @property
    def undoubtful(self) -> NDArray[np.bool_]:
        """Whether its proposal is in doubt of no class."""
        return ~self._where("doubtful != ''")

    @property
    def agrees(self) -> NDArray[np.bool_]:
        """Whether nothing disagrees with it."""
        return ~self._where("disagrees = 1")

    @property
    def matches(self) -> NDArray[np.bool_]:
        """Whether its accepted mask paints no other classes than its labels."""
        return ~self._where(f"painted IS NOT NULL AND {MISMATCH}")

    def values(self, column: str, rest: float, where: str = "") -> NDArray[np.float64]:
        """Return a column's values, and `rest` where there is none: infinite, so that these are the last (or first)."""
        found = np.full(self.count + 1, rest)
        sql = f"SELECT number, {column} FROM images WHERE {column} IS NOT NULL{where}"
        numbers, values = self.database.numbers_and_values(sql)
        known = numbers <= self.count
        found[numbers[known]] = values[known]
        return found

    def holding(self, text: str) -> NDArray[np.bool_]:
        """Return whether an image's id or remark holds a text, ignoring case."""
        part = anywhere(text)
        escaped = " ESCAPE '\\'" if "\\" in part else ""  # a pattern without is looked for in less time
        share = share_holding(self.database, self.count, text)
        others = lacking(self.database, self.count, text) if share == 1 else None
        # It takes longer to hand over a number than to look at an id: those that are fewer are asked for.
        if others is not None:
            found = ~self._having(others)
        elif share > 1 / 2:
            found = ~self._where(f"id NOT LIKE ?{escaped}", part)
        else:
            found = self._where(f"id LIKE ?{escaped}", part)
        found |= self._where("note != '' AND note LIKE ? ESCAPE '\\'", part)
        return found

    def _where(self, condition: str, *values: Any) -> NDArray[np.bool_]:
        return self._having(self.database.whole_numbers(f"SELECT number FROM images WHERE {condition}", values))

    def _having(self, numbers: Numbers) -> NDArray[np.bool_]:
        found = np.zeros(self.count + 1, bool)
        found[numbers[numbers <= self.count]] = True
        return found


_Term: TypeAlias = Callable[[Terms, Numbers], NDArray[Any]]
"""What to sort images by: an array (n,) for the numbers (n,) of some of them."""


def _descending(column: str, where: str = "") -> _Term:
    return lambda terms, images: -terms.values(column, -np.inf, where)[images]


def _term(name: str) -> _Term:
    return lambda terms, images: getattr(terms, name)[images]


_ORDERS: Mapping[str, Sequence[_Term]] = {
    "undecided first": (_term("rank"),),
    "uncertainty": (_term("decided"), _term("undoubtful")),
    "flagged": (_term("unflagged"), _term("rank")),
    "changed": (_term("decided"),),
    "disagrees": (_term("agrees"), _descending("changed", " AND disagrees = 1"), _term("rank")),
    "mismatch": (_term("matches"), _term("rank")),
    "random": (lambda terms, images: mixed(images, terms.seed),),
    "score_ascending": (),
    "score_descending": (),
}
"""The terms of each order, the one that counts most first; images that are equal in all stay as the files are."""
_FIRST_BY = {
    "uncertainty": ("score", "DESC"),
    "changed": ("changed", "DESC"),
    "score_ascending": ("score", "ASC"),
    "score_descending": ("score", "DESC"),
}
"""Orders whose last term is a column with an index, and in which direction."""
