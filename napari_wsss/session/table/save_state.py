"""What the header says about saving; it never says *saved* before the work is on disk."""

import time
from dataclasses import dataclass, field
from typing import Literal

SaveKind = Literal["saved", "unsaved", "saving", "failed", "read_only"]


@dataclass(frozen=True)
class SaveState:
    """Whether the shown mask is on disk.

    Parameters
    ----------
    kind : str
        ``saved``; ``unsaved`` (painted, not yet written); ``saving``; ``failed`` (tried, still only in memory);
        ``read_only`` (nothing will be written).
    since : float
        Seconds since the epoch at which this became so.
    message : str
        The reason, when it failed.
    retry_seconds : float
        How long to wait before the next try, growing with each failure; 0 when there is nothing to retry.
    """

    kind: SaveKind
    since: float = field(default_factory=time.time)
    message: str = ""
    retry_seconds: float = 0.0

    @property
    def safe(self) -> bool:
        """True when closing now loses nothing."""
        return self.kind in ("saved", "read_only")

    def text(self, now: float | None = None) -> str:
        """Return what the header shows: ``saved 3 s ago``, ``NOT SAVED: disk full`` ..."""
        age = max(0.0, (time.time() if now is None else now) - self.since)
        if self.kind == "saved":
            return f"saved {ago(age)}"
        if self.kind == "failed":
            return f"NOT SAVED: {self.message}"
        return {"unsaved": "NOT SAVED yet", "saving": "saving ...", "read_only": "read-only"}[self.kind]


def ago(seconds: float) -> str:
    """Return how long ago something was: ``now``, ``3 s ago``, ``2 min ago``, ``5 h ago``."""
    if seconds < 2:
        return "now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 3600 else f"{seconds / 3600:.0f} h ago"
