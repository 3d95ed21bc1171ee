"""Which images a queue or a search wants and in which order, as data and as SQL, so that no records need loading."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Order = Literal[
    "file",
    "undecided first",
    "uncertainty",
    "diversity",
    "flagged",
    "changed",
    "disagrees",
    "mismatch",
    "random",
    "score_ascending",
    "score_descending",
]

FACTS = ("stale", "label_changed", "disagrees", "replaced", "negative")
"""Columns that are 0 or 1."""

_IS_UNDECIDED = "state IN ('draft', 'todo', 'skipped')"
_RANKS = {"draft": 0, "todo": 1, "skipped": 2, "flagged": 3}
_OTHER_RANK = 4
RANK = f"CASE state {' '.join(f'WHEN {state!r} THEN {rank}' for state, rank in _RANKS.items())} ELSE {_OTHER_RANK} END"
"""The place of an image's state among all: what is to be gone on with first."""

CLUSTERS = (
    "WITH RECURSIVE known (class, cluster) AS ("
    "SELECT position, (SELECT min(cluster) FROM image_clusters WHERE class = position) FROM classes UNION ALL "
    "SELECT class, (SELECT min(cluster) FROM image_clusters AS other WHERE other.class = known.class "
    "AND other.cluster > known.cluster) FROM known WHERE cluster IS NOT NULL) "
    "SELECT class, cluster FROM known WHERE cluster IS NOT NULL ORDER BY class, cluster"
)
"""Class and cluster of all that have images, in their order; each is looked up as the next of its class."""

UNLABELLED = "label_count = 0 AND negative = 0"

_UNKNOWN = "images.number IN (SELECT image FROM unknown_labels)"

_PAINTED = (
    f"CASE WHEN NOT {_UNKNOWN} THEN painted WHEN json_valid('[' || painted || ']') THEN "
    "coalesce((SELECT group_concat(value) FROM (SELECT value FROM json_each('[' || painted || ']') WHERE value NOT IN "
    "(SELECT class FROM unknown_labels WHERE unknown_labels.image = images.number) ORDER BY value)), '') END"
)
"""The classes in an accepted mask but those that may as well be there as not."""

MISMATCH = (
    f"(painted IS NOT NULL AND {_PAINTED} IS NOT coalesce((SELECT group_concat(class) FROM "
    "(SELECT class FROM labels WHERE labels.image = images.number ORDER BY class)), ''))"
)
"""Whether an accepted mask paints other classes than the labels; 0 while that is not known."""

_IN_CACHE = 32_768
"""Numbers that are mixed together."""

ORDERS: dict[str, str] = {
    "file": "number",
    "undecided first": f"{RANK}, number",
    "uncertainty": f"NOT {_IS_UNDECIDED}, doubtful = '', score IS NULL, score DESC, number",
    "diversity": f"NOT {_IS_UNDECIDED}, place IS NULL, place, class, cluster, number",
    "flagged": f"state != 'flagged', {RANK}, number",
    "changed": f"NOT {_IS_UNDECIDED}, changed IS NULL, changed DESC, number",
    "disagrees": f"disagrees DESC, CASE WHEN disagrees THEN changed END DESC, {RANK}, number",
    "mismatch": f"{MISMATCH} DESC, {RANK}, number",
    "random": "shuffled(number, ?), number",
    "score_ascending": "score IS NULL, score, number",
    "score_descending": "score IS NULL, score DESC, number",
}

_PLACES = f"""
LEFT JOIN (
    SELECT image, min(place) AS place, class, cluster FROM (
        SELECT image, class, cluster, row_number() OVER (PARTITION BY class, cluster ORDER BY distance, image) AS place
        FROM image_clusters WHERE image IN (SELECT number FROM images WHERE {_IS_UNDECIDED} AND {{where}}))
    GROUP BY image) AS spread ON spread.image = images.number
"""
"""Each undecided image's best place in a cluster, counted among those wanted; SQLite takes class and cluster there."""


@dataclass(frozen=True)
class Criteria:
    """What an image must fulfil; None (or empty) leaves a criterion out, all others must hold together.

    Parameters
    ----------
    states : collection of str, optional
        Review states, one of which the image has.
    split : str, optional
        "train", "val" or "" (not assigned).
    classes : collection of str
        Image-level labels the image must all have.
    text : str
        Part of the id or of the note, ignoring case.
    score_above, score_below : float, optional
        Bounds (exclusive) of the queue score; images without a score fulfil neither.
    stale, label_changed, disagrees, replaced, negative : bool, optional
        The orthogonal facts.
    mismatch : bool, optional
        The accepted mask paints other classes than the labels.
    unlabelled : bool, optional
        Nobody has said yet which classes are in the image.
    unknown : bool, optional
        Of some class, though not of all, it is not known whether it is in the image.
    doubtful : bool, optional
        The proposal is in doubt of a labelled class.
    clusters : collection of str
        Clusters, one of which the image is in: by name (``cat 3``) or by number alone (``3``), ignoring case.
    changed_above, changed_below, edited_above, edited_below : float, optional
        Bounds (exclusive) of what the last model changed and of what a person changed, in [0, 1]; images of which
        it is not known fulfil neither.
    borrowed_from : str, optional
        Part of the id of the image whose correction the proposal was taken over from; "" for any such image.
    """

    states: Collection[str] | None = None
    split: str | None = None
    classes: Collection[str] = ()
    text: str = ""
    score_above: float | None = None
    score_below: float | None = None
    stale: bool | None = None
    label_changed: bool | None = None
    disagrees: bool | None = None
    replaced: bool | None = None
    doubtful: bool | None = None
    clusters: Collection[str] = ()
    changed_above: float | None = None
    changed_below: float | None = None
    edited_above: float | None = None
    edited_below: float | None = None
    borrowed_from: str | None = None
    negative: bool | None = None
    unlabelled: bool | None = None
    unknown: bool | None = None
    mismatch: bool | None = None

    def where(self, by_parts: bool = False) -> tuple[str, list[Any]]:
        """Return an SQL condition over the table ``images`` and its values ("1" when nothing is asked).

        With `by_parts` ids are looked up in the index of their parts (`listing.id_parts`).
        """
        parts: list[str] = []
        values: list[Any] = []

        def require(condition: str, *given: Any) -> None:
            parts.append(condition)
            values.extend(given)

        if self.states is not None:
            require(f"state IN ({', '.join('?' * len(self.states))})", *self.states)
        self._require_groups(require)
        if self.text:
            found = anywhere(self.text)
            # All ids lie close together in their index; images with a remark have one of their own.
            # The index of their parts reads no escapes: what it finds beyond is left out again.
            ids, asked = (
                ("SELECT rowid FROM id_parts WHERE id LIKE ? AND", [f"%{self.text}%"])
                if by_parts
                else ("SELECT number FROM images WHERE", [])
            )
            require(
                f"(images.number IN ({ids} id LIKE ? ESCAPE '\\') "
                "OR images.number IN (SELECT number FROM images WHERE note != '' AND note LIKE ? ESCAPE '\\'))",
                *asked,
                found,
                found,
            )
        if self.borrowed_from is not None:
            require("borrowed_from != '' AND borrowed_from LIKE ? ESCAPE '\\'", anywhere(self.borrowed_from))
        for condition, value in (
            ("score > ?", self.score_above),
            ("score < ?", self.score_below),
            ("changed > ?", self.changed_above),
            ("changed < ?", self.changed_below),
            ("edited > ?", self.edited_above),
            ("edited < ?", self.edited_below),
        ):
            if value is not None:
                require(condition, value)
        if self.split is not None:
            require("split != '' AND split = ?" if self.split else "split = ?", self.split)
        for condition, holds in (
            (UNLABELLED, self.unlabelled),
            (f"painted IS NOT NULL AND {MISMATCH}", self.mismatch),
            ("doubtful != ''", self.doubtful),
            (_UNKNOWN, self.unknown),
        ):
            if holds is not None:
                require(condition if holds else f"NOT ({condition})")
        for fact in FACTS:  # spelt out: only then an index of the few that have it is used
            value = getattr(self, fact)
            if value is not None:
                require(f"{fact} = {int(value)}")
        return " AND ".join(parts) or "1", values

    def _require_groups(self, require: Callable[..., None]) -> None:
        for name in self.classes:
            require(
                "images.number IN "
                "(SELECT image FROM labels WHERE class = (SELECT position FROM classes WHERE name = ?))",
                name,
            )
        if self.clusters:
            one = "(cluster = ? COLLATE NOCASE OR cluster = name || ' ' || ? COLLATE NOCASE)"
            require(
                "images.number IN (SELECT image FROM image_clusters WHERE (class, cluster) IN (SELECT class, cluster "
                f"FROM ({CLUSTERS}) JOIN classes ON position = class WHERE {' OR '.join([one] * len(self.clusters))}))",
                *(name for cluster in self.clusters for name in (cluster, cluster)),
            )


def ordered(criteria: Criteria, order: Order, seed: int = 0) -> tuple[str, list[Any]]:
    """Return a query for the ids of the images that fulfil `criteria`, in an order, and its values.

    The order ``random`` needs `shuffled` as an SQL function. ``diversity`` goes round the clusters, each time with
    the image nearest to the centre that is left; images without a cluster come last.
    """
    where, values = criteria.where()
    places = ""
    if order == "diversity":
        places, values = _PLACES.format(where=where), [*values, *values]
    if order == "random":
        values = [*values, seed]
    return f"SELECT id FROM images {places} WHERE {where} ORDER BY {ORDERS[order]}", values


def anywhere(text: str) -> str:
    """Return a pattern of LIKE, with the backslash as ESCAPE, for a text anywhere in another."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def rank_of(state: str) -> int:
    """Return what `RANK` is of a state."""
    return _RANKS.get(state, _OTHER_RANK)


def shuffled(number: int, seed: int) -> int:
    """Return a position for image `number` that looks random and is the same for the same seed (splitmix64)."""
    return int(mixed(np.asarray([number]), seed)[0])


def mixed(numbers: NDArray[np.integer], seed: int) -> NDArray[np.uint64]:
    """Return what `shuffled` does for many numbers (n,)."""
    start = np.uint64(seed * 0xD1B54A32D192ED03 & (1 << 64) - 1)
    place = np.empty(len(numbers), np.uint64)
    for at in range(0, len(numbers), _IN_CACHE):  # a quarter of the time that passes over all of a million take
        found = numbers[at : at + _IN_CACHE].astype(np.uint64)
        found *= np.uint64(0x9E3779B97F4A7C15)  # overflow is part of it
        found += start
        found ^= found >> np.uint64(30)
        found *= np.uint64(0xBF58476D1CE4E5B9)
        found ^= found >> np.uint64(27)
        found *= np.uint64(0x94D049BB133111EB)
        found ^= found >> np.uint64(31)
        place[at : at + _IN_CACHE] = found >> np.uint64(1)
    return place
