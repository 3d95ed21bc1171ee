"""Which images a queue or a search wants, said as data and turned into SQL, so that no records need loading."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

Order = Literal["file", "score_ascending", "score_descending", "random"]

ORDERS: dict[str, str] = {
    "file": "number",
    "score_ascending": "score IS NULL, score, number",
    "score_descending": "score IS NULL, score DESC, number",
    "random": "shuffled(number, ?), number",
}


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
    stale, label_changed, disagrees, replaced : bool, optional
        The orthogonal facts.
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

    def where(self) -> tuple[str, list[Any]]:
        """Return an SQL condition over the table ``images`` and its values ("1" when nothing is asked)."""
        parts: list[str] = []
        values: list[Any] = []

        def require(condition: str, *given: Any) -> None:
            parts.append(condition)
            values.extend(given)

        if self.states is not None:
            require(f"state IN ({', '.join('?' * len(self.states))})", *self.states)
        for name in self.classes:
            require(
                "EXISTS (SELECT 1 FROM labels JOIN classes ON classes.position = labels.class "
                "WHERE labels.image = images.number AND classes.name = ?)",
                name,
            )
        if self.text:
            escaped = self.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            require("(id LIKE ? ESCAPE '\\' OR note LIKE ? ESCAPE '\\')", f"%{escaped}%", f"%{escaped}%")
        for condition, value in (
            ("split = ?", self.split),
            ("score > ?", self.score_above),
            ("score < ?", self.score_below),
            ("stale = ?", self.stale),
            ("label_changed = ?", self.label_changed),
            ("disagrees = ?", self.disagrees),
            ("replaced = ?", self.replaced),
        ):
            if value is not None:
                require(condition, value)
        return " AND ".join(parts) or "1", values


def shuffled(number: int, seed: int) -> int:
    """Return a position for image `number` that looks random and is the same for the same seed (splitmix64)."""
    mask = (1 << 64) - 1
    mixed = (number * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03) & mask
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
    return (mixed ^ (mixed >> 31)) >> 1
