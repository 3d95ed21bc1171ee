"""A person's last decisions in words, each with its time; what was decided together is one line."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari_wsss.core.plural import counted
from napari_wsss.project.journal import Entry
from napari_wsss.project.project import Project

LAST = 10
VERBS = {"accepted": "accepted", "skipped": "skipped", "flagged": "flagged", "excluded": "excluded"}
UNDONE = {"flagged": "took the flag from", "skipped": "took up", "excluded": "took back in"}
"""State before -> what going back to work on the image is called."""


@dataclass(frozen=True)
class Decision:
    """One line of the list.

    Parameters
    ----------
    image_id : str
        The image, or the last of those decided together.
    text : str
        ``accepted cat.jpg``, ``accepted 14 images (cluster cat 3)``.
    state : str
        What the images became.
    time : float
        Seconds since 1970 (UTC).
    undone : bool
        True once it was taken back.
    count : int
        Of images.
    """

    image_id: str
    text: str
    state: str
    time: float
    undone: bool = False
    count: int = 1

    @property
    def clock(self) -> str:
        """Return the local time of day, with the day when it was not today: ``14:02``, ``3 May 14:02``."""
        moment, today = time.localtime(self.time), time.localtime()
        clock = time.strftime("%H:%M", moment)
        return clock if moment[:3] == today[:3] else f"{moment.tm_mday} {time.strftime('%b', moment)} {clock}"


def last_decisions(project: Project, limit: int = LAST) -> list[Decision]:
    """Return the newest decisions of a project, newest first, those taken back included."""
    return [_decision(entry, count) for entry, count in project.journal.steps(limit)]


def _decision(entry: Entry, count: int) -> Decision:
    after = entry.after if isinstance(entry.after, Mapping) else {"state": str(entry.after)}
    before = entry.before if isinstance(entry.before, Mapping) else {}
    state, image_id = str(after.get("state", "todo")), entry.image_id or ""
    batch = f" (cluster {after['batch']})" if after.get("batch") else ""
    what = image_id if count == 1 else counted(count, "image")
    text = f"{_verb(before, after, state)} {what}{batch if count > 1 else ''}"
    return Decision(image_id, text, state, entry.time, entry.undone, count)


def _verb(before: Mapping[str, Any], after: Mapping[str, Any], state: str) -> str:
    if after.get("action") == "discard":
        return "discarded the draft of"
    if after.get("action") == "accept":
        return VERBS["accepted"]
    previous = str(before.get("state", ""))
    if state in VERBS and previous not in ("flagged", "excluded"):
        return VERBS[state]
    return UNDONE.get(previous, "took up")
