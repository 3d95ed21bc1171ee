"""The images of a project: path, image-level labels, split, review state; a small API over an SQLite table.

Nothing here loads all images at once, so that 100,000 of them open as fast as ten. Changes go through
`Project`, which also journals them; the setters here are for it and for machine facts (scores, stale marks).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.project.criteria import MISMATCH, Criteria, Order, ordered, shuffled
from napari_wsss.project.database import Database, Row
from napari_wsss.project.image_clusters import ImageClusters
from napari_wsss.project.ordering.numbers import in_order, numbers_of
from napari_wsss.project.records import ImageRecord, NewImage, check_labels, check_new
from napari_wsss.project.states import MOVES, STATES, UNDECIDED, State

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
SEPARATOR = chr(31)
"""Between class names in one value."""
MOST_NUMBERS = 100_000
"""Images whose numbers are kept in memory, about 100 bytes each."""
COLUMNS = (
    "number, id, path, state, split, note, stale, label_changed, disagrees, replaced, content_hash, score, "
    f"edited, changed, borrowed_from, doubtful, negative, painted, file_mtime, file_size, {MISMATCH}, "
    "(SELECT group_concat(name, char(31)) FROM labels JOIN classes ON position = class WHERE image = number), "
    "(SELECT group_concat(cluster, char(31)) FROM "
    "(SELECT cluster FROM image_clusters WHERE image = images.number ORDER BY class)), "
    "(SELECT group_concat(name, char(31)) FROM unknown_labels JOIN classes ON position = class WHERE image = number)"
)


class Catalog:
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
                raise _unknown(image_id)
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
            raise _unknown(image_id)
        if image_id not in self._numbers:
            self._remember(image_id, rows[0][0])
        return _record(rows[0])

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
        return (_record(row) for row in self._pages(COLUMNS, criteria))

    def ids(
        self, states: Collection[str] | None = None, split: str | None = None, label: str | None = None
    ) -> Iterator[str]:
        """Yield the ids of the same images as `records`."""
        criteria = Criteria(states=states, split=split, classes=() if label is None else (label,))
        return (str(row[1]) for row in self._pages("number, id", criteria))

    def block(self, first: int, count: int, criteria: Criteria) -> list[str]:
        """Return the ids of those of `count` images from place `first` (from 0) that fulfil `criteria`."""
        where, values = criteria.where()
        sql = f"SELECT id FROM images WHERE number > ? AND number <= ? AND {where} ORDER BY number"
        return self._database.column(sql, [first, first + count, *values])

    def _pages(self, columns: str, criteria: Criteria) -> Iterator[Row]:
        where, values = criteria.where()
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
        count = len(self)
        if order == "diversity":
            return self._database.whole_numbers(*ordered(criteria, order, seed, "number"))
        return in_order(self._database, numbers_of(self._database, criteria, count), order, seed, count)

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

    # -- changing -----------------------------------------------------------------------------------------

    def add(self, images: Iterable[NewImage]) -> int:
        """Append images and return how many; all or none are added.

        Raises
        ------
        LabelError
            When a label is not a class of the project.
        ProjectError
            When an id repeats or is not a path below the image root.
        """
        classes = self._class_positions()
        with self._database.transaction() as connection:
            first = number = int(self._database.value("SELECT coalesce(max(number), 0) FROM images"))
            for image in images:
                number += 1
                check_new(image, classes)
                if image.id in self:
                    raise ProjectError(f"The image {image.id!r} is listed twice; give every image once.")
                connection.execute(
                    "INSERT INTO images (number, id, path, split, negative) VALUES (?, ?, ?, ?, ?)",
                    (number, image.id, image.id, image.split, image.negative),
                )
                for table, names in (("labels", image.labels), ("unknown_labels", image.unknown)):
                    connection.executemany(_insert(table), [(number, classes[name]) for name in names])
        return number - first

    def set_labels(
        self,
        image_id: str,
        labels: Collection[str],
        *,
        negative: bool = False,
        unknown: Collection[str] = (),
        by_person: bool = False,
    ) -> None:
        """Replace the image-level labels; without any the image is not labelled, or `negative` (none of the classes).

        Edits `by_person` mark the image as label-changed.

        Raises
        ------
        LabelError
            For a name that is no class of the project, or labels of a negative image.
        """
        classes = self._class_positions()
        check_labels(image_id, labels, classes, negative, unknown)
        number = self.number(image_id)
        with self._database.transaction() as connection:
            for table, names in (("labels", labels), ("unknown_labels", unknown)):
                connection.execute(f"DELETE FROM {table} WHERE image = ?", (number,))
                connection.executemany(_insert(table), [(number, classes[name]) for name in set(names)])
            connection.execute(
                "UPDATE images SET negative = ?, label_changed = label_changed OR ? WHERE number = ?",
                (negative, by_person, number),
            )

    def set_state(self, image_id: str, state: str, now: str | None = None) -> None:
        """Move an image to another review state.

        Parameters
        ----------
        now : str, optional
            Its state, where the caller has asked for it in the same transaction.

        Raises
        ------
        ProjectError
            When `MOVES` does not permit it.
        """
        with self._database.transaction():
            _check_move(image_id, now or self.state(image_id), state)
            self.restore_state(image_id, state)

    def set_accepted(self, record: ImageRecord, edited: float | None, painted: Iterable[int]) -> None:
        """Make an image accepted as a person sees it now: nothing disagrees any more, nothing was replaced.

        Parameters
        ----------
        record : ImageRecord
            The image as it is in the surrounding transaction.
        edited : float, optional
            Share of pixels in [0, 1] that the person changed in the proposal.
        painted : iterable of int
            0-based indices of the classes in the mask.

        Raises
        ------
        ProjectError
            When `MOVES` does not permit it.
        """
        _check_move(record.id, record.state, "accepted")
        share = None if edited is None else float(edited)
        assignment = "state = 'accepted', disagrees = 0, replaced = 0, edited = ?, painted = ?"
        self._set(record.id, assignment, share, _as_text(painted))

    def restore_state(self, image_id: str, state: str) -> None:
        """Set a state without asking `MOVES` (undo)."""
        self._set(image_id, "state = ?", state)

    def set_note(self, image_id: str, note: str) -> None:
        """Replace the reviewer's remark."""
        self._set(image_id, "note = ?", note)

    def set_score(self, image_id: str, score: float | None, doubtful: Collection[str] = ()) -> None:
        """Set the queue score, and which labelled classes the proposal is in doubt of."""
        joined = SEPARATOR.join(sorted(doubtful))
        self._set(image_id, "score = ?, doubtful = ?", None if score is None else float(score), joined)

    def set_proposed(self, image_id: str, score: float, doubtful: Collection[str]) -> None:
        """Set what `set_score` does; the proposal of an undecided image is as new as the model."""
        states = ", ".join("?" * len(UNDECIDED))
        assignment = f"score = ?, doubtful = ?, stale = CASE WHEN state IN ({states}) THEN 0 ELSE stale END"
        self._set(image_id, assignment, float(score), SEPARATOR.join(sorted(doubtful)), *UNDECIDED)

    def set_doubtful(self, image_id: str, names: Collection[str]) -> None:
        """Set which labelled classes the proposal is in doubt of."""
        self._set(image_id, "doubtful = ?", SEPARATOR.join(sorted(names)))

    def set_mask_facts(self, image_id: str, edited: float | None, painted: Iterable[int] | None) -> None:
        """Set what is known of the accepted mask: the edited share, and the 0-based indices of its classes."""
        text = None if painted is None else _as_text(painted)
        self._set(image_id, "edited = ?, painted = ?", None if edited is None else float(edited), text)

    def set_changes(self, changes: Mapping[str, float | None]) -> None:
        """Set how much the proposals of many images changed with the last applied model, in [0, 1]."""
        with self._database.transaction() as connection:
            rows = [(None if value is None else float(value), image_id) for image_id, value in changes.items()]
            connection.executemany("UPDATE images SET changed = ? WHERE id = ?", rows)

    def forget_changes(self) -> None:
        """Forget how much every proposal changed: another model is applied, and nothing is compared with it yet."""
        self._database.execute("UPDATE images SET changed = NULL WHERE changed IS NOT NULL", ())

    def set_borrowed(self, image_ids: Iterable[str], source: str) -> None:
        """Note that the proposals of images were taken over from the correction of image `source` ("": no longer)."""
        with self._database.transaction() as connection:
            rows = [(source, image_id) for image_id in image_ids]
            connection.executemany("UPDATE images SET borrowed_from = ? WHERE id = ?", rows)

    def set_facts(
        self,
        image_id: str,
        *,
        stale: bool | None = None,
        label_changed: bool | None = None,
        disagrees: bool | None = None,
        replaced: bool | None = None,
    ) -> None:
        """Set those of the orthogonal facts that are given."""
        facts = {"stale": stale, "label_changed": label_changed, "disagrees": disagrees, "replaced": replaced}
        given = {name: value for name, value in facts.items() if value is not None}
        if given:
            self._set(image_id, ", ".join(f"{name} = ?" for name in given), *given.values())

    def mark_stale(self, states: Collection[str] = UNDECIDED) -> int:
        """Mark the proposals of all images in `states` as older than the model; return how many."""
        where, values = Criteria(states=states).where()
        return self._database.execute(f"UPDATE images SET stale = 1 WHERE {where}", values)

    def rename_class(self, old: str, new: str) -> None:
        """Rename a class; labels and mask values stay what they are."""
        if new in self._class_positions():
            raise LabelError(f"There already is a class {new!r}; choose another name for {old!r}.")
        with self._database.transaction("classes") as connection:
            renamed = connection.execute("UPDATE classes SET name = ? WHERE name = ?", (new, old)).rowcount
        if not renamed:
            raise LabelError(f"There is no class {old!r} to rename; known: {', '.join(self._class_positions())}.")
        old, new = (f"{SEPARATOR}{name}{SEPARATOR}" for name in (old, new))
        self._database.execute(
            "UPDATE images SET doubtful = trim(replace(? || doubtful || ?, ?, ?), ?) WHERE doubtful != ''",
            (SEPARATOR, SEPARATOR, old, new, SEPARATOR),
        )

    def names_now(self, names: Collection[str]) -> frozenset[str]:
        """Return class names as they count now: those merged as what they were merged into, those deleted left out."""
        rows: dict[str, tuple[int, int | None]] = {
            name: (position, becomes)
            for name, position, becomes in self._database.rows("SELECT name, position, becomes FROM classes")
        }
        known = {position: name for name, (position, _) in rows.items()}
        found = set()
        for name in names:
            for _ in rows:
                becomes = rows.get(name, (0, None))[1]
                if becomes is None:
                    found.add(name)
                    break
                if becomes - 1 not in known:
                    break
                name = known[becomes - 1]
        return frozenset(found)

    def _set(self, image_id: str, assignment: str, *values: Any) -> None:
        number = self.number(image_id)
        self._database.execute(f"UPDATE images SET {assignment} WHERE number = ?", (*values, number))

    def _class_positions(self) -> dict[str, int]:
        current = "SELECT name, position FROM classes WHERE becomes IS NULL ORDER BY position"
        positions: dict[str, int] = dict(self._database.rows(current))
        return positions


def _insert(table: str) -> str:
    return f"INSERT INTO {table} VALUES (?, ?)"


def _as_text(painted: Iterable[int]) -> str:
    return ",".join(map(str, sorted(set(map(int, painted)))))


def _unknown(image_id: str) -> ProjectError:
    return ProjectError(f"There is no image {image_id!r} in the project; ids are paths relative to the image folder.")


def _check_move(image_id: str, now: str, state: str) -> None:
    if state != now and state not in MOVES[now]:
        permitted = ", ".join(sorted(MOVES[now]))
        raise ProjectError(
            f"{image_id} is {now} and cannot become {state!r}; it may become: {permitted}. "
            "Use undo to take back a decision."
        )


def _record(row: Row) -> ImageRecord:
    _, image_id, path, state, split, note, *facts, content_hash = row[:11]
    score, edited, changed, borrowed_from, doubtful, negative, painted, *file, mismatch = row[11:21]
    names, clusters, unknown = row[21:]
    stale, label_changed, disagrees, replaced = map(bool, facts)
    labels = frozenset(names.split(SEPARATOR) if names else ())
    return ImageRecord(
        id=image_id,
        path=path,
        labels=labels,
        state=state,
        split=split,
        note=note,
        stale=stale,
        label_changed=label_changed,
        disagrees=disagrees,
        replaced=replaced,
        content_hash=content_hash,
        score=score,
        edited=edited,
        changed=changed,
        borrowed_from=borrowed_from,
        doubtful=labels.intersection(doubtful.split(SEPARATOR) if doubtful else ()),
        negative=bool(negative),
        painted=None if painted is None else tuple(map(int, filter(None, painted.split(",")))),
        mismatch=bool(mismatch),
        file_mtime=file[0],
        file_size=file[1],
        clusters=tuple(clusters.split(SEPARATOR)) if clusters else (),
        unknown=frozenset(unknown.split(SEPARATOR) if unknown else ()),
    )
