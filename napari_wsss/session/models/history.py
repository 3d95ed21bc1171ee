"""How the labeling went, read from the journal: who was accepted when, how much was edited, how long it took."""

import csv
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from napari_wsss.core.files import whole
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline.apply import ModelChange
from napari_wsss.project.journal import Entry, Journal
from napari_wsss.session.models.names import model_title

KINDS = ("mask", "undo")
PAGE = 1000
PAUSE = 600.0
COLUMNS = ("time", "image", "edited", "agreement", "drawn by a person", "seconds", "proposal", "mismatch")


@dataclass(frozen=True)
class Acceptance:
    """One accepted mask.

    Parameters
    ----------
    number : int
        Of the journal's entry.
    time : float
        Seconds since 1970 (UTC).
    image_id : str
    edited : float, optional
        Share of pixels in [0, 1] that a person changed in the proposal; None where there was none.
    agreement : float, optional
        Mean IoU in [0, 1] of the accepted mask and the proposal.
    seconds : float, optional
        How long a person worked on it.
    person : float, optional
        Share of pixels in [0, 1] that a person drew; the others are a machine's that were accepted, or empty.
    model : str
        Key of the result that was proposed, "" when unknown.
    mismatch : str
        Labels without a pixel (``-cat``) and painted classes that are no label (``+dog``), as accepted.
    """

    number: int
    time: float
    image_id: str
    edited: float | None = None
    agreement: float | None = None
    seconds: float | None = None
    person: float | None = None
    model: str = ""
    mismatch: str = ""


class History:
    """Every acceptance of a project that was not taken back; reads only what is new in the journal."""

    def __init__(self) -> None:
        self._found: dict[int, Acceptance] = {}
        self._last = 0

    def read(self, journal: Journal) -> Steps[tuple[Acceptance, ...]]:
        """Read what is new and return all acceptances, oldest first."""
        while entries := journal.entries(self._last, PAGE, KINDS):
            for entry in entries:
                self._note(entry)
            self._last = entries[-1].number
            yield Progress("statistics", len(self._found), 0)
        return tuple(self._found.values())

    def _note(self, entry: Entry) -> None:
        told = entry.before if entry.kind == "undo" else entry.after
        facts = told if isinstance(told, dict) else {}
        if entry.kind == "undo":
            self._found.pop(whole(facts, "entry"), None)
        elif not entry.undone and facts.get("action") == "accept":
            self._found[entry.number] = acceptance_of(entry)


def acceptance_of(entry: Entry) -> Acceptance:
    """Return what an entry of an accepted mask tells; facts that older programs did not write are None."""
    facts = entry.after
    return Acceptance(
        entry.number,
        entry.time,
        entry.image_id or "",
        _share(facts.get("edited")),
        _share(facts.get("agreement")),
        _number(facts.get("seconds")),
        _share(facts.get("person")),
        str(facts.get("model") or ""),
        " ".join([f"-{name}" for name in facts.get("missing", ())] + [f"+{name}" for name in facts.get("extra", ())]),
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


def _share(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and number <= 1 else None


# -- figures ----------------------------------------------------------------------------------------------

Figure = Callable[[Acceptance], float | None]


def edited_of(one: Acceptance) -> float | None:
    """Return the edited share of an acceptance."""
    return one.edited


def seconds_of(one: Acceptance) -> float | None:
    """Return the seconds spent on an acceptance."""
    return one.seconds


def person_of(one: Acceptance) -> float | None:
    """Return the share of pixels a person drew."""
    return one.person


def agreement_of(one: Acceptance) -> float | None:
    """Return how far model and person agreed: mean IoU where it was noted, else the share of unchanged pixels."""
    if one.agreement is not None:
        return one.agreement
    return None if one.edited is None else 1.0 - one.edited


def mean_of(acceptances: Sequence[Acceptance], figure: Figure) -> float | None:
    """Return the mean of a figure over those that have one, None where none has."""
    values = [value for one in acceptances if (value := figure(one)) is not None]
    return fmean(values) if values else None


def median_seconds(acceptances: Sequence[Acceptance]) -> float | None:
    """Return the median of the seconds, which one long break does not move; None where none is known."""
    values = sorted(one.seconds for one in acceptances if one.seconds is not None)
    return values[len(values) // 2] if values else None


def block_means(acceptances: Sequence[Acceptance], figure: Figure, size: int) -> list[tuple[float, float]]:
    """Return the mean of a figure over each block of `size` acceptances.

    Returns
    -------
    list of (number of acceptances until the block's end, mean)
        The last block may be smaller; blocks without any value are left out.
    """
    blocks = [(start, acceptances[start : start + size]) for start in range(0, len(acceptances), size)]
    means = [(float(start + len(block)), mean_of(block, figure)) for start, block in blocks]
    return [(until, mean) for until, mean in means if mean is not None]


def accepted_over_time(acceptances: Sequence[Acceptance], points: int = 200) -> list[tuple[float, float]]:
    """Return (hours of work, different images accepted so far), at most about `points` of them.

    Pauses count as `PAUSE` seconds, so that nights do not flatten the curve.
    """
    if not acceptances:
        return []
    seen: set[str] = set()
    curve, hours, last = [], 0.0, acceptances[0].time
    for one in acceptances:
        seen.add(one.image_id)
        hours += min(max(0.0, one.time - last), PAUSE) / 3600
        last = one.time
        curve.append((hours, float(len(seen))))
    stride = max(1, len(curve) // points)
    return [*curve[:-1:stride], curve[-1]]


def places_of(changes: Sequence[ModelChange], acceptances: Sequence[Acceptance]) -> list[tuple[float, str]]:
    """Return after how many acceptances each model was applied, with the model's name."""
    numbers = [one.number for one in acceptances]
    return [
        (float(sum(n < change.number for n in numbers)), model_title(change.after, change.time)) for change in changes
    ]


def as_csv(acceptances: Sequence[Acceptance]) -> str:
    """Return one line per acceptance: local time, image, edited share, agreement, seconds, model, mismatch."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in acceptances:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.time))
        shares = [_written(value, 4) for value in (one.edited, agreement_of(one), one.person)]
        writer.writerow([when, one.image_id, *shares, _written(one.seconds, 1), one.model, one.mismatch])
    return text.getvalue()


def _written(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}"
