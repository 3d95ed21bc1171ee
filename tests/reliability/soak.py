"""One long sitting: memory, open files and the time a stroke takes must stay flat.

``python -m tests.reliability.soak --minutes 60`` (``make soak MINUTES=60``; Linux). After a warm-up the medians of the
first and the last third of the samples are compared. The last line is
``minutes=N memory_mb=+A handles=+B stroke_ms=C->D``; the exit code is 1 when one of them grew beyond its bound.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.reliability.sitting import Diary, Labeler, build, put_methods_on_the_shelf

DEEDS = 50
"""Between two samples."""
WARM_UP = 0.2
"""Share of the samples that is left out."""
MOST_MEMORY_MB, MOST_HANDLES, MOST_RATIO = 30.0, 4.0, 2.0


@dataclass(frozen=True)
class Sample:
    """Memory in MB, open files, and the median milliseconds of a stroke."""

    memory: float
    handles: float
    stroke: float


@dataclass(frozen=True)
class Outcome:
    """How a sitting began and how it ended."""

    minutes: float
    first: Sample
    last: Sample

    @property
    def is_flat(self) -> bool:
        first, last = self.first, self.last
        grew = last.memory - first.memory > MOST_MEMORY_MB or last.handles - first.handles > MOST_HANDLES
        return not grew and last.stroke <= MOST_RATIO * first.stroke

    def line(self) -> str:
        first, last = self.first, self.last
        return (
            f"minutes={self.minutes:.1f} memory_mb={last.memory - first.memory:+.1f} "
            f"handles={last.handles - first.handles:+.0f} stroke_ms={first.stroke:.1f}->{last.stroke:.1f}"
        )


def sampled(strokes: Sequence[float]) -> Sample:
    """Return what this process uses now, and how long these strokes (seconds) took."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    memory = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return Sample(memory, len(os.listdir("/proc/self/fd")), 1000 * median(strokes or [0.0]))


def middle(samples: Sequence[Sample]) -> Sample:
    """Return the median of each figure."""
    return Sample(*(median(getattr(one, name) for one in samples) for name in ("memory", "handles", "stroke")))


def soak(folder: Path, minutes: float, seed: int = 1) -> Outcome:
    """Label for so many minutes (at least ten samples)."""
    labeler = Labeler(folder, build(folder), Diary(folder / "diary.txt"), seed)
    samples, begun = [], time.monotonic()
    while time.monotonic() - begun < 60 * minutes or len(samples) < 10:
        labeler.stroke_seconds.clear()
        labeler.work(DEEDS)
        samples.append(sampled(labeler.stroke_seconds))
    passed = (time.monotonic() - begun) / 60
    assert labeler.close()
    kept = samples[int(WARM_UP * len(samples)) :]
    third = max(1, len(kept) // 3)
    return Outcome(passed, middle(kept[:third]), middle(kept[-third:]))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=1.0)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    put_methods_on_the_shelf()
    with tempfile.TemporaryDirectory(prefix="wsss-soak-") as folder:
        outcome = soak(Path(folder), chosen.minutes, chosen.seed)
    print(outcome.line())
    return int(not outcome.is_flat)


if __name__ == "__main__":
    sys.exit(main())
