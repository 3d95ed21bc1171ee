"""What a catalog is asked: images one by one, in pages, by criteria and in an order, counted.

Nothing here loads all images at once, so that 100,000 of them open as fast as ten.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.project.criteria import MISMATCH, Criteria, Order, ordered, shuffled
from napari_wsss.project.database import Database, Row
from napari_wsss.project.image_clusters import ImageClusters
from napari_wsss.project.listing.id_parts import is_quicker
from napari_wsss.project.listing.rows import COLUMNS, record_of
from napari_wsss.project.ordering.numbers import Terms, in_order, numbers_of
from napari_wsss.project.records import ImageRecord
from napari_wsss.project.states import STATES, State

Fact = Literal["score", "changed", "disagrees", "clusters", "mismatch"]
_KNOWN: Mapping[Fact, str] = {
    "score": "images WHERE score IS NOT NULL",
    "changed": "images WHERE changed IS NOT NULL",
    "disagrees": "images WHERE disagrees = 1",
    "clusters": "image_clusters",
    "mismatch": f"images WHERE {MISMATCH}",
}
# Most images of a large project are still to do, and it takes time to count many: those are the rest of all.
_OTHER_STATES = tuple(state for state in STATES if state != "todo")
_ALL_BUT_TODO = "SELECT (SELECT coalesce(max(number), 0) FROM images), " + ", ".join(
    f"(SELECT count(*) FROM images WHERE state = '{state}')" for state in _OTHER_STATES
)
PAGE = 1000
MOST_NUMBERS = 100_000
"""Images whose numbers are kept in memory, about 100 bytes each."""


class CatalogReading:
    """The images of one project in their fixed order; usable from several threads at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers: dict[str, int] = {}
        self.clusters = ImageClusters(database)

    def __len__(self) -> int:
        return int(self._database.value("SELECT coalesce(max(number), 0) FROM images"))  # without gaps

    def __contains__(self, image_id: object) -> bool:
        return bool(self._database.rows("SELECT 1 FROM images WHERE id = ?", (image_id,)))

    def number(self, image_id: str) -> int:
        """Return the internal row number (from 1, in catalog order) of an image.

        Raises
        ------
        ProjectError
            When the project has no such image.
        """
        known = self._numbers.get(image_id)
        if known is None:
            known = self._database.value("SELECT number FROM images WHERE id = ?", (image_id,))
            if known is None:
                raise unknown(image_id)
            self._remember(image_id, known)
        return int(known)

    def _remember(self, image_id: str, number: int) -> None:
        """Keep the number of an image: it never changes, once the transaction that gave it has ended."""
        if self._database.is_writing:
            return
        if len(self._numbers) >= MOST_NUMBERS:
            self._numbers.clear()
        self._numbers[image_id] = number

    def get(self, image_id: str) -> ImageRecord:
        """Return the record of one image; raise `ProjectError` when there is none."""
        rows = self._database.rows(f"SELECT {COLUMNS} FROM images WHERE id = ?", (image_id,))
        if not rows:
            raise unknown(image_id)
        if image_id not in self._numbers:
            self._remember(image_id, rows[0][0])
        return record_of(rows[0])

    def state(self, image_id: str) -> State:
        """Return the review state of one image."""
        found: State = self._database.value("SELECT state FROM images WHERE number = ?", (self.number(image_id),))
        return found

    # -- walking ------------------------------------------------------------------------------------------

    def records(
        self, states: Collection[str] | None = None, split: str | None = None, label: str | None = None
    ) -> Iterator[ImageRecord]:
        """Yield the records of the images in these states, this split and with this label, in catalog order.

        Records are read page by page, so changing images while iterating is allowed and memory stays flat.
        """
        criteria = Criteria(states=states, split=split, classes=() if label is None else (label,))
        return (record_of(row) for row in self._pages(COLUMNS, criteria))

    def ids(
        self, states: Collection[str] | None = None, split: str | None = None, label: str | None = None
    ) -> Iterator[str]:
        """Yield the ids of the same images as `records`."""
        criteria = Criteria(states=states, split=split, classes=() if label is None else (label,))
        return (str(row[1]) for row in self._pages("number, id", criteria))

    def block(self, first: int, count: int, criteria: Criteria) -> list[str]:
        """Return the ids of those of `count` images from place `first` (from 0) that fulfil `criteria`."""
        where, values = self._where(criteria)
        sql = f"SELECT id FROM images WHERE number > ? AND number <= ? AND {where} ORDER BY number"
        return self._database.column(sql, [first, first + count, *values])

    def _where(self, criteria: Criteria) -> tuple[str, list[Any]]:
        return criteria.where(bool(criteria.text) and is_quicker(self._database, criteria.text))

    def _pages(self, columns: str, criteria: Criteria) -> Iterator[Row]:
        where, values = self._where(criteria)
        last = 0
        while True:
            rows = self._database.rows(
                f"SELECT {columns} FROM images WHERE number > ? AND {where} ORDER BY number LIMIT {PAGE}",
                [last, *values],
            )
            yield from rows
            if len(rows) < PAGE:
                return
            last = rows[-1][0]

    def find(self, criteria: Criteria, order: Order = "file", seed: int = 0) -> list[str]:
        """Return the ids of the images that fulfil `criteria`, in `order`; unscored images come last by score."""
        self._know(order)
        return self._database.column(*ordered(criteria, order, seed))

    def numbers(self, criteria: Criteria, order: Order = "file", seed: int = 0) -> NDArray[np.int32]:
        """Return the numbers (from 1, in catalog order) of the same images as `find`, which take 4 bytes each."""
        terms = Terms(self._database, len(self), seed)
        return in_order(terms, self._numbers_of(terms, criteria), order)

    def _numbers_of(self, terms: Terms, criteria: Criteria) -> NDArray[np.int32]:
        if not criteria.text or is_quicker(self._database, criteria.text):
            return numbers_of(terms, criteria, bool(criteria.text))
        chosen = numbers_of(terms, replace(criteria, text=""))
        return chosen[terms.holding(criteria.text)[chosen]]

    def ids_of(self, numbers: Sequence[int] | NDArray[np.int32]) -> list[str]:
        """Return the ids of images by their numbers; leaves out what there is not."""
        found: dict[int, str] = {}
        for start in range(0, len(numbers), PAGE):
            page = [int(number) for number in numbers[start : start + PAGE]]
            marks = ", ".join("?" * len(page))
            found |= dict(self._database.rows(f"SELECT number, id FROM images WHERE number IN ({marks})", page))
        return [found[number] for number in map(int, numbers) if number in found]

    def _know(self, order: Order) -> None:
        if order == "random":
            self._database.connection.create_function("shuffled", 2, shuffled, deterministic=True)

    def count(self, criteria: Criteria) -> int:
        """Return how many images fulfil `criteria`."""
        if criteria == Criteria(unlabelled=False):  # all but a few, or but most
            return len(self) - self.count(Criteria(unlabelled=True))
        if len(criteria.classes) == 1 and criteria == Criteria(states=criteria.states, classes=criteria.classes):
            (name,) = criteria.classes
            states = STATES if criteria.states is None else criteria.states
            return sum(many for state, many in self._class_count(name).items() if state in states)
        if criteria.text:
            return len(self._numbers_of(Terms(self._database, len(self)), criteria))
        where, values = criteria.where()
        return int(self._database.value(f"SELECT count(*) FROM images WHERE {where}", values))

    def knows(self, fact: Fact) -> bool:
        """Tell whether at least one image has a score, a change, a disagreement or a cluster."""
        return bool(self._database.rows(f"SELECT 1 FROM {_KNOWN[fact]} LIMIT 1"))

    def places_in_clusters(self, image_id: str) -> dict[str, int]:
        """Return how many images are nearer to the centre, for every cluster an image is in, in class order."""
        rows = self._database.rows(
            "SELECT cluster, (SELECT count(*) FROM image_clusters AS other WHERE other.cluster = own.cluster "
            "AND other.class = own.class AND other.distance < own.distance) "
            "FROM image_clusters AS own WHERE image = ? ORDER BY class",
            (self.number(image_id),),
        )
        return {str(cluster): int(nearer) for cluster, nearer in rows}

    def position(self, image_id: str) -> int:
        """Return the place of an image in catalog order, from 0."""
        return self.number(image_id) - 1

    def at(self, position: int) -> str:
        """Return the id of the image at a place in catalog order, from 0; raise `ProjectError` beyond the end."""
        found = self._database.value("SELECT id FROM images WHERE number = ?", (position + 1,))
        if found is None:
            raise ProjectError(f"There is no image number {position}; the project has {len(self)}, counted from 0.")
        return str(found)

    def neighbour(self, image_id: str, step: int = 1, states: Collection[str] | None = None) -> str | None:
        """Return the nearest image after (`step` > 0) or before it in one of `states`, None at the end."""
        where, values = Criteria(states=states).where()
        sign, direction = (">", "ASC") if step > 0 else ("<", "DESC")
        found = self._database.value(
            f"SELECT id FROM images WHERE number {sign} ? AND {where} ORDER BY number {direction} "
            f"LIMIT 1 OFFSET {abs(step) - 1}",
            [self.number(image_id), *values],
        )
        return None if found is None else str(found)

    def counts(self) -> dict[str, int]:
        """Return how many images are in each state (states without images included)."""
        total, *counted = self._database.rows(_ALL_BUT_TODO)[0]
        found = dict(zip(_OTHER_STATES, counted, strict=True))
        found["todo"] = total - sum(counted)
        return {state: found[state] for state in STATES}

    def class_counts(self, state: str | None = None) -> dict[str, int]:
        """Return how many images (in `state`, if given) carry each class as image-level label, in class order."""
        one = "" if state is None else "WHERE state = ?"
        rows = self._database.rows(
            "SELECT name, coalesce(many, 0) FROM classes LEFT JOIN "
            f"(SELECT class, sum(many) AS many FROM class_counts {one} GROUP BY class) ON class = position "
            "WHERE becomes IS NULL ORDER BY position",
            () if state is None else (state,),
        )
        return {str(name): int(count) for name, count in rows}

    def _class_count(self, name: str) -> dict[str, int]:
        """Return how many images of each state have a class."""
        sql = "SELECT state, many FROM class_counts JOIN classes ON position = class WHERE name = ?"
        return dict(self._database.rows(sql, (name,)))


def unknown(image_id: str) -> ProjectError:
    """Return what is raised for an image that the project does not have."""
    return ProjectError(f"There is no image {image_id!r} in the project; ids are paths relative to the image folder.")
