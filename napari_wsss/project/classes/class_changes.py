"""Classes merged, deleted or given another colour: one step each, taken back newest first.

No mask file is touched. The list notes what a class that is gone counts as (`ClassList.gone`), and masks, strokes and
scribbles are read so; files, their copies and older generations stay what they were, and taking the change back finds
all of it as it was. Labels follow in the same transaction, so that a crash leaves all of the change or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.plural import counted
from napari_wsss.project.criteria import UNLABELLED
from napari_wsss.project.database import Database, Row
from napari_wsss.project.journal import Entry, Journal
from napari_wsss.project.states import UNDECIDED

Pixels = Literal["background", "ignore"]
BECOMES: Mapping[Pixels, int] = {"background": BACKGROUND, "ignore": IGNORE}
KIND: Literal["classes"] = "classes"
COLOUR = re.compile(r"#[0-9a-f]{6}")
LOOKED_BACK = 1000
"""Entries of the journal among which the newest change is looked for; adding and renaming are entries, too."""


@dataclass(frozen=True)
class Effect:
    """What merging or deleting a class does, or did.

    Parameters
    ----------
    name : str
        The class.
    into : str
        What its pixels count as: another class, ``background`` or ``ignore``.
    labelled : int
        Images whose labels change.
    left_empty : int
        Of these, those that are then labelled *none of the classes*.
    masks : int
        Accepted masks that hold pixels of the class.
    unsure : int
        Accepted masks of which that is not known (accepted by an older version).
    """

    name: str
    into: str
    labelled: int
    left_empty: int
    masks: int
    unsure: int

    @property
    def is_merge(self) -> bool:
        """Whether it goes into another class."""
        return self.into not in BECOMES

    @property
    def text(self) -> str:
        """What happens to labels and masks, in sentences."""
        masks = counted(self.masks, "accepted mask") + (
            f" (and some of {self.unsure} older ones)" if self.unsure else ""
        )
        if self.is_merge:
            said = f"{self.name} becomes {self.into}: in the labels of {counted(self.labelled, 'image')} and in {masks}"
        else:
            empty = f", {self.left_empty} of them then hold none of the classes" if self.left_empty else ""
            said = (
                f"{self.name} goes: from the labels of {counted(self.labelled, 'image')}{empty}; its pixels in {masks}"
            )
            said += f" count as {self.into}"
        return f"{said}. Drafts and scribbles follow. No file is changed, and Undo brings all of it back."


@dataclass(frozen=True)
class _Facts:
    """What the project says of the two classes in one image, compared as a whole."""

    labels: tuple[bool, bool]
    unknown: tuple[bool, bool]
    negative: bool
    painted: str | None

    def as_json(self) -> list[Any]:
        return [*map(int, (*self.labels, *self.unknown, self.negative)), self.painted]

    @classmethod
    def from_json(cls, row: Any) -> _Facts:
        old, new, old_unknown, new_unknown, negative, painted = row
        return cls((bool(old), bool(new)), (bool(old_unknown), bool(new_unknown)), bool(negative), painted)

    @property
    def said(self) -> tuple[Any, ...]:
        return self.labels, self.unknown, self.negative


class ClassChanges:
    """Changes of one project's class list.

    Parameters
    ----------
    database, journal
        Of the same project.
    classes : callable
        Returns the current `ClassList`.
    """

    def __init__(self, database: Database, journal: Journal, classes: Callable[[], ClassList]) -> None:
        self._database, self._journal, self._classes = database, journal, classes

    def effect(self, name: str, into: str) -> Effect:
        """Return what `merge` (into another class) or `delete` (into ``background`` or ``ignore``) would do.

        Raises
        ------
        LabelError
            When it is not possible.
        """
        old, new = self._positions(name, into)
        facts = self._facts(old, new)
        after = self._moved(facts, old, new)
        labelled = sum(facts[number].said != after[number].said for number in facts)
        empty = sum(after[number].negative and not facts[number].negative for number in facts)
        masks = sum(_paints(one.painted, old) for one in facts.values())
        unsure = self._database.value("SELECT count(*) FROM images WHERE state = 'accepted' AND painted IS NULL")
        return Effect(name, into, labelled, empty, masks, int(unsure))

    def merge(self, name: str, into: str) -> Effect:
        """Make labels and pixels of class `name` those of class `into`; one step for `take_back`.

        Raises
        ------
        LabelError
            When one of them is no class, or both are the same.
        """
        if into in BECOMES:
            raise LabelError(f"{into!r} is no class to merge with; delete {name!r} instead.")
        return self._change(name, into)

    def delete(self, name: str, pixels: Pixels = "ignore") -> Effect:
        """Take class `name` out of all labels; its pixels count as `pixels` from now on. One step for `take_back`.

        An image that is left without labels is labelled *none of the classes*: it is known to hold none of the others.

        Raises
        ------
        LabelError
            When it is no class, or the only one.
        """
        if pixels not in BECOMES:
            raise LabelError(f"Pixels of {name!r} cannot become {pixels!r}; expected background or ignore.")
        return self._change(name, pixels)

    def set_colour(self, name: str, colour: str) -> None:
        """Give a class another colour on the screen, ``#rrggbb``, or its palette's again (""); files keep theirs.

        Raises
        ------
        LabelError
            When there is no such class or colour.
        """
        colour = colour.lower()
        if colour and not COLOUR.fullmatch(colour):
            raise LabelError(f"{colour!r} is no colour; expected #rrggbb with hexadecimal digits.")
        value = self._classes().mask_value(name)
        before = self._classes().colours.get(value, "")
        if colour == before:
            return
        with self._database.transaction(KIND) as connection:
            connection.execute("UPDATE classes SET colour = ? WHERE position = ?", (colour, value - 1))
            told = {"action": "colour", "value": value, "text": f"another colour of {name}"}
            self._journal.append(KIND, None, {**told, "colour": before}, {**told, "colour": colour})

    # -- taking back --------------------------------------------------------------------------------------

    @property
    def last(self) -> str:
        """What `take_back` would take back, in words; "" for nothing."""
        entry = self._last()
        return str(entry.after.get("text", "")) if entry is not None else ""

    def take_back(self) -> str:
        """Take back the newest change that stands; return it in words, "" where there is none.

        Masks are what they were, but for what was drawn or accepted since: that stays what it was drawn as. Images
        whose labels were edited since keep these.

        Raises
        ------
        ProjectError
            When its record is damaged.
        """
        entry = self._last()
        if entry is None:
            return ""
        with self._database.transaction(KIND) as connection:
            try:
                value = int(entry.before["value"])
                if entry.before["action"] == "colour":
                    colour = str(entry.before["colour"])
                    connection.execute("UPDATE classes SET colour = ? WHERE position = ?", (colour, value - 1))
                else:
                    self._take_back(entry, value - 1)
            except (KeyError, TypeError, ValueError) as reason:
                raise ProjectError(
                    f"The last change of the classes cannot be taken back: entry {entry.number} of the journal is "
                    f"damaged ({reason!r}). Restore an older generation of the project instead."
                ) from reason
            self._journal.mark_undone(entry.number)
        return str(entry.after.get("text", "a change of the classes"))

    def _take_back(self, entry: Entry, old: int) -> None:
        new = _position(int(entry.after["becomes"]))
        before = {int(number): _Facts.from_json(row) for number, row in entry.before["images"].items()}
        after = {int(number): _Facts.from_json(row) for number, row in entry.after["images"].items()}
        decided = "SELECT DISTINCT image FROM journal WHERE kind = 'mask' AND number > ?"
        since = set(self._database.column(decided, (entry.number,)))
        back = {}
        for number, now in self._facts(old, new, before).items():
            said = before[number] if now.said == after[number].said else now
            painted = before[number].painted
            if number in since:  # which of both classes the mask shows is known from its next acceptance on
                painted = None if new is not None and _paints(now.painted, new) else now.painted
            back[number] = replace(said, painted=painted)
        self._database.execute("UPDATE classes SET becomes = NULL WHERE position = ?", (old,))
        self._write(back, old, new)

    def _last(self) -> Entry | None:
        found = self._journal.recent(LOOKED_BACK, (KIND,))
        return next((one for one in found if not one.undone and _is_change(one)), None)

    # -- the change ---------------------------------------------------------------------------------------

    def _change(self, name: str, into: str) -> Effect:
        with self._database.transaction("image_clusters"), self._database.transaction(KIND) as connection:
            found = self.effect(name, into)
            old, new = self._positions(name, into)
            before = self._facts(old, new)
            after = self._moved(before, old, new)
            becomes = BECOMES[into] if new is None else new + 1  # type: ignore[index]  # checked in `_positions`
            connection.execute("UPDATE classes SET becomes = ? WHERE position = ?", (becomes, old))
            connection.execute("DELETE FROM image_clusters WHERE class = ?", (old,))  # found again when taken back
            self._write(after, old, new)
            text = f"{name} merged into {into}" if new is not None else f"{name} deleted"
            self._journal.append(
                KIND,
                None,
                {"action": "gone", "value": old + 1, "images": _as_json(before)},
                {"action": "gone", "becomes": becomes, "images": _as_json(after), "text": text},
            )
        return found

    def _positions(self, name: str, into: str) -> tuple[int, int | None]:
        classes = self._classes()
        for one in (name,) if into in BECOMES else (name, into):
            if one not in classes.current:
                known = ", ".join(classes.current)
                raise LabelError(f"There is no class {one!r}; the project's classes are: {known}.")
        if name == into:
            raise LabelError(f"{name!r} cannot be merged into itself; choose another class.")
        if len(classes.current) == 1:
            raise LabelError(f"{name!r} is the only class; a project needs at least one. Rename it instead.")
        return classes.index(name), None if into in BECOMES else classes.index(into)

    def _moved(self, facts: Mapping[int, _Facts], old: int, new: int | None) -> dict[int, _Facts]:
        alone = set() if new is not None else self._alone(old)
        found = {}
        for number, one in facts.items():
            (had, other), (unsure, other_unsure) = one.labels, one.unknown
            is_there = new is not None and (had or other)
            unknown = new is not None and (unsure or other_unsure) and not is_there
            painted = one.painted
            if painted is not None and _paints(painted, old):
                kept = {int(part) for part in painted.split(",")} - {old} | ({new} if new is not None else set())
                painted = ",".join(map(str, sorted(kept)))
            found[number] = _Facts((False, is_there), (False, unknown), one.negative or number in alone, painted)
        return found

    def _alone(self, old: int) -> set[int]:
        """Return the numbers of the images of which nothing else is said than that class `old` is there."""
        others = "NOT EXISTS (SELECT 1 FROM {0} AS other WHERE other.image = own.image AND other.class != own.class)"
        where = " AND ".join(others.format(table) for table in ("labels", "unknown_labels"))
        return set(self._database.column(f"SELECT image FROM labels AS own WHERE class = ? AND {where}", (old,)))

    def _facts(self, old: int, new: int | None, images: Iterable[int] | None = None) -> dict[int, _Facts]:
        """Return what is said of the images that the class is in by label, doubt or mask, or of those given."""
        labels = [self._images("labels", k) for k in (old, new)]
        unknown = [self._images("unknown_labels", k) for k in (old, new)]
        rows = self._database.rows("SELECT number, negative, painted FROM images")
        among = labels[0] | unknown[0] if images is None else set(images)
        if images is None:
            among |= {number for number, _, painted in rows if _paints(painted, old)}
        return {
            number: _Facts(
                (number in labels[0], number in labels[1]),
                (number in unknown[0], number in unknown[1]),
                bool(negative),
                painted,
            )
            for number, negative, painted in rows
            if number in among
        }

    def _images(self, table: str, position: int | None) -> set[int]:
        """Return the numbers of the images that a class is said of in a table, none for None."""
        return set(self._database.column(f"SELECT image FROM {table} WHERE class = ?", (position,)))

    def _write(self, facts: Mapping[int, _Facts], old: int, new: int | None) -> None:
        with self._database.transaction() as connection:
            for table, attribute in (("labels", "labels"), ("unknown_labels", "unknown")):
                for place, k in enumerate((old, new)):
                    if k is None:
                        continue
                    rows = [(number, k) for number in facts]
                    connection.executemany(f"DELETE FROM {table} WHERE image = ? AND class = ?", rows)
                    there = [row for row in rows if getattr(facts[row[0]], attribute)[place]]
                    connection.executemany(f"INSERT INTO {table} (image, class) VALUES (?, ?)", there)
            connection.executemany(
                "UPDATE images SET negative = ?, painted = ? WHERE number = ?",
                [(one.negative, one.painted, number) for number, one in facts.items()],
            )
            states = ", ".join(f"'{state}'" for state in UNDECIDED)
            outdated = f"UPDATE images SET stale = 1 WHERE score IS NOT NULL AND state IN ({states}) AND"
            connection.executemany(f"{outdated} number = ?", [(number,) for number in facts])
            connection.execute(f"{outdated} {UNLABELLED}")  # any class may be proposed there


def _paints(painted: str | None, position: int) -> bool:
    return painted is not None and str(position) in painted.split(",")


def _position(value: int) -> int | None:
    return None if value in (BACKGROUND, IGNORE) else value - 1


def _is_change(entry: Entry) -> bool:
    return isinstance(entry.before, dict) and isinstance(entry.after, dict) and "action" in entry.before


def _as_json(facts: Mapping[int, _Facts]) -> dict[str, list[Any]]:
    return {str(number): one.as_json() for number, one in facts.items()}


def stored_classes(rows: Iterable[Row]) -> ClassList:
    """Return the classes of rows ``(name, position, becomes, colour)`` in order; what is damaged counts as not said."""
    names, gone, colours = [], {}, {}
    for name, position, becomes, colour in rows:
        names.append(name)
        if isinstance(becomes, int) and 0 <= becomes <= IGNORE and becomes != position + 1:
            gone[position + 1] = becomes
        if isinstance(colour, str) and COLOUR.fullmatch(colour):
            colours[position + 1] = colour
    return ClassList.stored(names, gone, colours)
