"""Kills a sitting (SIGKILL) at random moments, again and again, and compares the project with the diary.

``python -m tests.reliability.kill --kills 3000`` (``make kill-test KILLS=3000``). The last line is
``kills=N lost_strokes_max=M damaged=D``; the exit code is 1 when more than the one stroke that was being made is lost
in any round, or anything is damaged.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import WsssError
from napari_wsss.project.durable.check import check
from napari_wsss.project.project import Project
from napari_wsss.session.runs.folders import runs_in
from tests.reliability.sitting import (
    IDS,
    Diary,
    Known,
    Labeler,
    build,
    put_methods_on_the_shelf,
    read_diary,
    same,
    unpacked,
)

ROUNDS_OF_A_PROJECT = 150
UNSOUND = {
    *("database", "schema", "revision", "mask vanished", "mask overwritten", "mask missing", "mask foreign"),
    *("mask damaged", "draft damaged", "draft foreign", "result damaged", "backup damaged", "left out"),
}
"""Findings that a kill must not leave behind once the project was opened again."""


@dataclass
class Outcome:
    """What all rounds came to."""

    kills: int = 0
    lost_strokes_max: int = 0
    damaged: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def wrong(self, words: str) -> None:
        self.damaged += 1
        self.problems.append(f"kill {self.kills}: {words}")

    def line(self) -> str:
        return f"kills={self.kills} lost_strokes_max={self.lost_strokes_max} damaged={self.damaged}"


class Rounds:
    """Rounds of one project after another in a folder.

    Parameters
    ----------
    folder : Path
    seed : int
    training_every : int
        In each so many-th round a real training runs beside the sitting and is killed too; 0 never.
    """

    def __init__(self, folder: Path, seed: int, training_every: int = 0) -> None:
        self._folder, self._seed, self._training_every = folder, seed, training_every
        self._chance = random.Random(seed)
        self._root, self._known = folder / "none", dict[str, Known]()
        self.outcome = Outcome()

    def run(self, kills: int, seconds: float = float("inf")) -> Outcome:
        begun = time.monotonic()
        while self.outcome.kills < kills and time.monotonic() - begun < seconds:
            if self.outcome.kills % ROUNDS_OF_A_PROJECT == 0:
                self._new_project()
            self._round()
        return self.outcome

    def _new_project(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)
        self._root = self._folder / f"p{self.outcome.kills}"
        self._known = build(self._root)

    def _round(self) -> None:
        number = self.outcome.kills
        diary = self._root / f"diary-{number}.txt"
        trains = self._training_every > 0 and number % self._training_every == self._training_every - 1
        child = os.fork()
        if child == 0:
            _work(self._root, self._known, diary, self._seed * 1_000_003 + number, trains)
        uniform = self._chance.uniform
        time.sleep(
            uniform(2, 20) if trains else self._chance.choice([uniform(0, 0.2), uniform(0.05, 0.7), uniform(0.3, 2)])
        )
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        self.outcome.kills += 1
        self.outcome.counts["trainings"] += trains
        if os.WIFEXITED(status):
            self.outcome.wrong(f"the sitting ended by itself: {(self._root / 'errors.txt').read_text()[-1500:]}")
        damaged = self.outcome.damaged
        self._compare(read_diary(diary))
        if self.outcome.damaged > damaged and self._root.exists():  # what there is to look at, as it lies
            shutil.copytree(self._root, self._folder / f"damaged-{self.outcome.kills}")
        diary.unlink(missing_ok=True)

    def _compare(self, records: list[dict[str, Any]]) -> None:
        expected, history, pending = self._followed(records)
        try:
            with Project.open(self._root / "project") as project:
                for image_id in IDS:
                    mine = pending if pending is not None and pending["image"] == image_id else None
                    self._compare_image(project, image_id, expected[image_id], history[image_id], mine)
                self._kill_runs(project)
        except (WsssError, OSError, sqlite3.Error, ValueError) as reason:
            self.outcome.wrong(f"the project does not open: {reason!r}\n{traceback.format_exc()}")
            shutil.copytree(self._root, self._folder / f"broken-{self.outcome.kills}")
            self._known = build(shutil.rmtree(self._root) or self._root)
            return
        self._compare_files()

    def _followed(self, records: list[dict[str, Any]]) -> tuple[dict[str, Known], dict[str, list[Any]], Any]:
        """Return what was acknowledged last of each image, its masks one after another, and what was being done."""
        expected, pending = dict(self._known), None
        history = {image_id: [known.working] for image_id, known in expected.items()}
        for record in records:
            if record["event"] == "do":
                pending = record
            elif record["event"] == "done":
                pending = None
                known = expected[record["image"]] = Known.from_dict(record)
                history[record["image"]].append(known.working)
                self.outcome.counts["deeds"] += 1
                self.outcome.counts["strokes"] += record["kind"] == "stroke"
            elif record["event"] == "refused":
                pending = None
            elif record["event"] in ("wrong", "unsafe"):
                self.outcome.wrong(str(record))
        self.outcome.counts["killed while opening"] += bool(records) and records[-1]["event"] == "opening"
        return expected, history, pending

    def _compare_image(
        self, project: Project, image_id: str, expected: Known, history: list[Any], pending: dict[str, Any] | None
    ) -> None:
        found = Known.stored(project, image_id)
        self._known[image_id] = found
        wanted = expected
        if pending is not None:
            masks = {name: unpacked(pending[name]) for name in ("working", "accepted") if name in pending}
            labels = tuple(pending.get("labels", expected.labels))
            wanted = Known(masks.get("working", expected.working), masks.get("accepted", expected.accepted), "", labels)
        for known in (expected, wanted):
            whole = same(found.working, known.working) and same(found.accepted, known.accepted)
            state_fits = pending is not None or found.state == expected.state
            labels_fit = found.labels == known.labels or (pending is not None and "labels" not in pending)
            if whole and state_fits and labels_fit:
                lost = int(pending is not None and known is expected and not same(found.working, wanted.working))
                self.outcome.lost_strokes_max = max(self.outcome.lost_strokes_max, lost)
                self.outcome.counts["pending lost" if lost else "kept"] += 1
                return
        ago = next((steps for steps, mask in enumerate(reversed(history)) if same(mask, found.working)), None)
        if ago is not None and same(found.accepted, expected.accepted) and found.labels == expected.labels:
            self.outcome.lost_strokes_max = max(self.outcome.lost_strokes_max, ago + (pending is not None))
        self.outcome.wrong(
            f"{image_id} is neither as before nor as after {pending and pending['kind']}: state {found.state} "
            f"(was {expected.state}), labels {found.labels} ({expected.labels}), masks as {ago} steps ago"
        )

    def _kill_runs(self, project: Project) -> None:
        for run in runs_in(project.training_folder):
            if run.process is not None and run.process.lives():
                os.kill(run.process.pid, signal.SIGKILL)

    def _compare_files(self) -> None:
        folder = self._root / "project"
        for finding in check(folder):
            if finding.kind in UNSOUND:
                self.outcome.wrong(f"check: {finding.kind} {finding.name}: {finding.words}")
        for path in (folder / "project.sqlite", *(folder / "backups").glob("*.sqlite")):
            with closing(sqlite3.connect(path)) as connection:
                if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                    self.outcome.wrong(f"{path.name} fails SQLite's integrity check")
        self.outcome.counts["temporary files left"] += len(list(folder.rglob("*.tmp")))


def _work(root: Path, known: dict[str, Known], diary: Path, seed: int, trains: bool) -> None:
    """Work until killed, in a child process; never returns."""
    errors = os.open(root / "errors.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    try:
        Labeler(root, known, Diary(diary), seed, trains).work()
    finally:
        traceback.print_exc()
        os._exit(3)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seconds", type=float, default=float("inf"), help="stop earlier")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--training-every", type=int, default=50, help="rounds with a real training beside; 0 never")
    options.add_argument("--folder", type=Path, help="where the projects are made [a temporary folder]")
    chosen = options.parse_args()
    put_methods_on_the_shelf()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="wsss-kill-"))
    begun = time.monotonic()
    outcome = Rounds(folder, chosen.seed, chosen.training_every).run(chosen.kills, chosen.seconds)
    print(*outcome.problems, sep="\n")
    print(f"{time.monotonic() - begun:.0f} s, {dict(outcome.counts)}")
    if not outcome.problems and chosen.folder is None:
        shutil.rmtree(folder, ignore_errors=True)
    print(outcome.line())
    return int(outcome.lost_strokes_max > 1 or outcome.damaged > 0)


if __name__ == "__main__":
    sys.exit(main())
