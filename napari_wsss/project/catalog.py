"""The images of a project: path, image-level labels, split, review state; a small API over an SQLite table.

What it is asked stands in `listing.reading`. Changes go through `Project`, which also journals them; the setters here
are for it and for machine facts (scores, stale marks).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.listing.counts import recount
from napari_wsss.project.listing.id_parts import note_new
from napari_wsss.project.listing.reading import CatalogReading
from napari_wsss.project.listing.rows import SEPARATOR
from napari_wsss.project.records import ImageRecord, NewImage, check_labels, check_new
from napari_wsss.project.states import MOVES, UNDECIDED


class Catalog(CatalogReading):
    """The images of one project in their fixed order; usable from several threads at once."""

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
            note_new(self._database, connection, first)
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
        self._set(record.id, assignment, share, _as_text(painted), changing="state")

    def restore_state(self, image_id: str, state: str) -> None:
        """Set a state without asking `MOVES` (undo)."""
        self._set(image_id, "state = ?", state, changing="state")

    def set_note(self, image_id: str, note: str) -> None:
        """Replace the reviewer's remark."""
        self._set(image_id, "note = ?", note)

    def set_score(self, image_id: str, score: float | None, doubtful: Collection[str] = ()) -> None:
        """Set the queue score, and which labelled classes the proposal is in doubt of."""
        joined = SEPARATOR.join(sorted(doubtful))
        value = None if score is None else float(score)
        self._set(image_id, "score = ?, doubtful = ?", value, joined, changing="score")

    def set_proposed(self, image_id: str, score: float, doubtful: Collection[str]) -> None:
        """Set what `set_score` does; the proposal of an undecided image is as new as the model."""
        states = ", ".join("?" * len(UNDECIDED))
        assignment = f"score = ?, doubtful = ?, stale = CASE WHEN state IN ({states}) THEN 0 ELSE stale END"
        self._set(image_id, assignment, float(score), SEPARATOR.join(sorted(doubtful)), *UNDECIDED, changing="score")

    def set_doubtful(self, image_id: str, names: Collection[str]) -> None:
        """Set which labelled classes the proposal is in doubt of."""
        self._set(image_id, "doubtful = ?", SEPARATOR.join(sorted(names)))

    def set_mask_facts(self, image_id: str, edited: float | None, painted: Iterable[int] | None) -> None:
        """Set what is known of the accepted mask: the edited share, and the 0-based indices of its classes."""
        text = None if painted is None else _as_text(painted)
        self._set(image_id, "edited = ?, painted = ?", None if edited is None else float(edited), text)

    def set_changes(self, changes: Mapping[str, float | None]) -> None:
        """Set how much the proposals of many images changed with the last applied model, in [0, 1]."""
        with self._database.transaction("changed") as connection:
            rows = [(None if value is None else float(value), image_id) for image_id, value in changes.items()]
            connection.executemany("UPDATE images SET changed = ? WHERE id = ?", rows)

    def forget_changes(self) -> None:
        """Forget how much every proposal changed: another model is applied, and nothing is compared with it yet."""
        self._database.execute("UPDATE images SET changed = NULL WHERE changed IS NOT NULL", (), "changed")

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

    def recount(self) -> None:
        """Count again what is kept of labels: how many an image has, and how many images of a state have a class."""
        recount(self._database)

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

    def _set(self, image_id: str, assignment: str, *values: Any, changing: str = "") -> None:
        number = self.number(image_id)
        self._database.execute(f"UPDATE images SET {assignment} WHERE number = ?", (*values, number), changing)

    def _class_positions(self) -> dict[str, int]:
        current = "SELECT name, position FROM classes WHERE becomes IS NULL ORDER BY position"
        positions: dict[str, int] = dict(self._database.rows(current))
        return positions


def _insert(table: str) -> str:
    return f"INSERT INTO {table} VALUES (?, ?)"


def _as_text(painted: Iterable[int]) -> str:
    return ",".join(map(str, sorted(set(map(int, painted)))))


def _check_move(image_id: str, now: str, state: str) -> None:
    if state != now and state not in MOVES[now]:
        permitted = ", ".join(sorted(MOVES[now]))
        raise ProjectError(
            f"{image_id} is {now} and cannot become {state!r}; it may become: {permitted}. "
            "Use undo to take back a decision."
        )
