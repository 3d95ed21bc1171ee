"""Every edit as an appended record: image-level labels, decisions, strokes and changes of the plan.

Strokes hold absolute values, so replaying a stroke twice does no harm; that is what makes a draft file plus the
strokes after it exact after a crash at any moment.
"""

import json
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import starmap
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import parsed
from napari_wsss.core.masks import Mask
from napari_wsss.core.sources import FIRST_MACHINE, PERSON, Source, Sources, pack_table, uniform_value, unpack_table
from napari_wsss.project.catalog import Catalog
from napari_wsss.project.database import Database, Row, part_of
from napari_wsss.project.strokes import FEW, Stroke, pack, pack_regions, unpack

Kind = Literal["labels", "state", "stroke", "plan", "mask", "draft", "note", "classes", "split", "cluster", "undo"]
DECISIONS: tuple[Kind, ...] = ("state", "mask")
"""The kinds a person can take back with *undo decision*.

``draft`` records a change of state that editing makes by itself, ``undo`` that an entry was taken back; so the state
of every image follows from the entries in order.
"""
BATCH = "batch"
"""In an acceptance: what the images have in common that were accepted together, not one by one."""
NEWEST = 2**62
"""Above the number of every entry."""

_OBJECTS = frozenset({"state", "mask", "draft", "undo", "plan", "cluster", "stroke"})
"""Kinds whose entries hold objects, or nothing (decisions also one word)."""
COLUMNS = "journal.number, time, id, kind, before, after, undone"


@dataclass(frozen=True)
class Entry:
    """One recorded edit.

    Parameters
    ----------
    number : int
        Ascending, never used twice.
    time : float
        Seconds since 1970 (UTC).
    image_id : str, optional
        None for edits of the whole project (plan, classes, split).
    kind : str
        What was edited.
    before, after : JSON value
        Enough to take the edit back and to make it again.
    undone : bool
        True once a person took it back.
    """

    number: int
    time: float
    image_id: str | None
    kind: Kind
    before: Any
    after: Any
    undone: bool = False


class Journal:
    """The records of one project, newest last; usable from several threads at once."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog

    def append(self, kind: Kind, image_id: str | None, before: Any, after: Any, pixels: bytes | None = None) -> Entry:
        """Record one edit; it is on disk when this returns (or when the surrounding transaction ends).

        `pixels` are those of a stroke (see `append_stroke`).
        """
        now = time.time()
        with self._database.transaction() as connection:
            image = None if image_id is None else self._catalog.number(image_id)
            number = connection.execute(
                "INSERT INTO journal (time, image, kind, before, after, pixels) VALUES (?, ?, ?, ?, ?, ?)",
                (now, image, kind, json.dumps(before), json.dumps(after), pixels),
            ).lastrowid
        return Entry(int(number or 0), now, image_id, kind, before, after)

    def append_stroke(
        self,
        image_id: str,
        indices: ArrayLike,
        values: ArrayLike,
        sources: ArrayLike = PERSON,
        table: tuple[Source, ...] = (),
    ) -> Entry:
        """Record changed pixels of a mask; they are on disk when this returns.

        Parameters
        ----------
        indices : (N,) int
            Flat positions in the (H, W) mask, C order.
        values : (N,) uint8
            New mask values.
        sources : (N,) uint8 or int
            Who made them; a person by default.
        table : tuple of Source
            The mask's whole table of machine sources, needed where one of `sources` is a machine.
        """
        flat = np.asarray(indices, dtype=np.int64).ravel()
        filled = np.asarray(values, dtype=np.uint8).ravel()
        if flat.shape != filled.shape:
            raise ProjectError(f"A stroke has {flat.size} positions and {filled.size} values; expected as many.")
        made_by = np.ascontiguousarray(np.broadcast_to(np.asarray(sources, np.uint8), flat.shape))
        machine = bool(np.any(made_by >= FIRST_MACHINE))
        after = {"pixels": int(flat.size), **({"table": pack_table(table)} if machine else {})}
        return self.append("stroke", image_id, None, after, pack(flat, filled, made_by))

    def append_change(
        self, image_id: str, where: NDArray[np.bool_], values: NDArray[np.uint8], sources: Sources
    ) -> Entry:
        """Record the pixels of a mask that are `where`, as `append_stroke` does with a list of them.

        Parameters
        ----------
        where : (H, W) bool
        values : (H, W) uint8
        sources : Sources
        """
        count = where.size if uniform_value(where) else int(np.count_nonzero(where))
        if count > FEW:
            packed = pack_regions(where, values, sources.values)
            if packed is not None:
                after = {"pixels": count, "table": pack_table(sources.table)}
                return self.append("stroke", image_id, None, after, packed)
        pixels = np.flatnonzero(where)
        made_by = sources.values.reshape(-1)[pixels]
        return self.append_stroke(image_id, pixels, values.reshape(-1)[pixels], made_by, sources.table)

    # -- strokes ------------------------------------------------------------------------------------------

    def strokes(self, image_id: str, since: int = 0) -> list[Stroke]:
        """Return the strokes of an image recorded after entry number `since`, oldest first."""
        rows = self._database.rows(
            "SELECT number, time, pixels, after FROM journal WHERE image = ? AND kind = 'stroke' AND number > ? "
            "ORDER BY number",
            (self._catalog.number(image_id), since),
        )
        return list(starmap(_stroke, rows))

    def last_stroke(self, image_id: str) -> int:
        """Return the number of the newest stroke of an image, 0 when there is none."""
        return int(
            self._database.value(
                "SELECT coalesce(max(number), 0) FROM journal WHERE image = ? AND kind = 'stroke'",
                (self._catalog.number(image_id),),
            )
        )

    def clear_strokes(self, image_id: str, until: int | None = None) -> None:
        """Forget the strokes of an image up to entry number `until` (all without it): a file holds them now."""
        limit = NEWEST if until is None else until
        self._database.execute(
            "DELETE FROM journal WHERE image = ? AND kind = 'stroke' AND number <= ?",
            (self._catalog.number(image_id), limit),
        )

    @staticmethod
    def replay(values: Mask, strokes: Iterable[Stroke]) -> Mask:
        """Return a copy of the mask (H, W) uint8 with the strokes laid over, oldest first.

        Raises
        ------
        ProjectError
            When a stroke reaches beyond the mask (the image was replaced by one of another size).
        """
        result = values.copy()
        flat = result.reshape(-1)
        for stroke in strokes:
            if stroke.indices.size and (stroke.indices.max() >= flat.size or stroke.indices.min() < 0):
                raise ProjectError(
                    f"An unfinished mask reaches beyond its image of {values.shape[1]} x {values.shape[0]} pixels. "
                    "Put the image back that was edited, or discard the draft."
                )
            flat[stroke.indices] = stroke.values
        return result

    # -- reading ------------------------------------------------------------------------------------------

    def last(self, kinds: Collection[str] = DECISIONS) -> Entry | None:
        """Return the newest entry of these kinds that was not undone."""
        found = self._select(f"kind IN ({', '.join('?' * len(kinds))}) AND undone = 0", list(kinds), 1)
        return found[0] if found else None

    def last_whole(self, kind: Kind) -> Entry | None:
        """Return the newest entry of a kind that is about no single image and was not undone."""
        found = self._select("kind = ? AND image IS NULL AND undone = 0", [kind], 1)
        return found[0] if found else None

    def recent(self, limit: int = 10, kinds: Collection[str] | None = None) -> list[Entry]:
        """Return the newest entries (of these kinds), newest first, undone ones included."""
        if kinds is None:
            return self._select("1", [], limit)
        return self._select(f"kind IN ({', '.join('?' * len(kinds))})", list(kinds), limit)

    def entries(self, since: int = 0, limit: int = 1000, kinds: Collection[str] | None = None) -> list[Entry]:
        """Return up to `limit` entries (of these kinds) after number `since`, oldest first (to go through all)."""
        among = "1" if kinds is None else f"kind IN ({', '.join('?' * len(kinds))})"
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM journal LEFT JOIN images ON images.number = image "
            f"WHERE journal.number > ? AND {among} ORDER BY journal.number LIMIT ?",
            [since, *(kinds or ()), limit],
        )
        return [_entry(row) for row in rows]

    def differing(self, kind: Kind, names: Collection[str], limit: int = 10) -> list[Entry]:
        """Return the newest entries of a kind whose `before` and `after` differ in one of these keys, newest first."""
        differs = " OR ".join(f"{part_of('before', name)} IS NOT {part_of('after', name)}" for name in names)
        return self._select(f"kind = ? AND ({differs})", [kind], limit)

    def last_of(self, image_id: str) -> int:
        """Return the number of an image's newest entry, 0 when it has none."""
        number = self._catalog.number(image_id)
        return int(self._database.value("SELECT max(number) FROM journal WHERE image = ?", (number,)) or 0)

    def accepted_at(self, image_id: str) -> float:
        """Return when the mask of an image was accepted last, in seconds since 1970; 0.0 when no acceptance stands."""
        found = self._database.value(
            "SELECT max(time) FROM journal WHERE image = ? AND kind = 'mask' AND undone = 0 "
            f"AND {part_of('after', 'action')} = 'accept'",
            (self._catalog.number(image_id),),
        )
        return float(found or 0.0)

    def accepted_in_batch(self, image_id: str) -> bool:
        """Tell whether the last acceptance of an image that stands was one of many together."""
        batch = self._database.value(
            f"SELECT {part_of('after', BATCH)} FROM journal WHERE image = ? AND kind = 'mask' AND undone = 0 "
            f"AND {part_of('after', 'action')} = 'accept' ORDER BY journal.number DESC LIMIT 1",
            (self._catalog.number(image_id),),
        )
        return batch is not None

    def steps(self, limit: int = 10, kinds: Collection[str] = DECISIONS) -> list[tuple[Entry, int]]:
        """Return the newest decisions, newest first, undone ones included, with how many images each was about.

        Decisions made `Review.as_one_step` are one; its entry is the newest of them.
        """
        found: list[tuple[Entry, int]] = []
        among, below = f"kind IN ({', '.join('?' * len(kinds))}) AND journal.number", NEWEST
        while len(found) < limit and (newest := self._select(f"{among} < ?", [*kinds, below], 1)):
            entry = newest[0]
            below, count = entry.number, 1
            group = entry.after.get("group") if isinstance(entry.after, dict) else None
            if group is not None:
                others = f"{among} < ? AND {part_of('after', 'group')} IS NOT ?"
                older = self._select(others, [*kinds, entry.number, group], 1)
                first = older[0].number if older else 0
                inside = [*kinds, first, entry.number]
                count = self._database.value(f"SELECT count(*) FROM journal WHERE {among} > ? AND number <= ?", inside)
                below = first + 1
            found.append((entry, count))
        return found

    def mark_undone(self, number: int) -> None:
        """Mark an entry as taken back; it stays in the journal."""
        self._database.execute("UPDATE journal SET undone = 1 WHERE number = ?", (number,))

    def _select(self, where: str, values: list[Any], limit: int) -> list[Entry]:
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM journal LEFT JOIN images ON images.number = image "
            f"WHERE {where} ORDER BY journal.number DESC LIMIT ?",
            [*values, limit],
        )
        return [_entry(row) for row in rows]

    # -- files kept for undo ------------------------------------------------------------------------------

    def keep_file(self, number: int, role: str, content: bytes) -> None:
        """Keep a file's former content with entry `number`, so that undoing it restores the file byte for byte."""
        self._database.execute("INSERT INTO kept_files VALUES (?, ?, ?)", (number, role, content))

    def kept_file(self, number: int, role: str) -> bytes | None:
        """Return the content kept with `keep_file`, None when there is none."""
        found: bytes | None = self._database.value(
            "SELECT content FROM kept_files WHERE entry = ? AND role = ?", (number, role)
        )
        return found


def _entry(row: Row) -> Entry:
    number, when, image_id, kind, before, after, undone = row
    return Entry(number, when, image_id, kind, _json(before, kind), _json(after, kind), bool(undone))


def _stroke(number: int, when: float, pixels: bytes | None, after: str) -> Stroke:
    try:
        table = unpack_table(mapping_in(after).get("table", ()))
    except (TypeError, AttributeError) as reason:
        raise ProjectError(
            f"Who made a stroke cannot be read (entry {number}: {reason}); discard the draft."
        ) from reason
    return Stroke(number, when, *unpack(pixels or b""), table)


def _json(text: str, kind: str) -> Any:
    """Return a value that was written down, an empty object where it is damaged or not what this kind of entry has."""
    try:
        found = parsed(text)
    except (ValueError, TypeError):
        return {}
    kinds = (dict, str, type(None)) if kind in DECISIONS else (dict, type(None))
    return {} if kind in _OBJECTS and not isinstance(found, kinds) else found


def mapping_in(text: str) -> dict[str, Any]:
    """Return the object that was written down, an empty one where there is something else."""
    found = _json(text, "stroke")
    return found if isinstance(found, dict) else {}
