"""Flips bytes in every kind of project file, or cuts it short, and opens the project: refused by name, or unchanged.

``python -m tests.reliability.fuzz --flips 5000`` (``make fuzz FLIPS=5000``). What a person made may differ only where
the program says so. The last line is ``flips=N silent=S raw=R``: how often something differed without a word, and how
often an error reached the caller that is none of ours; the exit code is 1 when either is not 0.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import WsssError
from napari_wsss.project.durable.check import check
from napari_wsss.project.project import Project
from napari_wsss.session.runs.folders import runs_in, unreadable_in
from tests.reliability.sitting import Known, put_methods_on_the_shelf
from tests.session.conftest import Sitting, build_project, colours_plan, write_checkpoint

IMAGES = 4
NOT_OURS = ("project.lock", ".project.lock.guard")


@dataclass
class Outcome:
    """What all flips came to."""

    flips: int = 0
    silent: int = 0
    raw: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def line(self) -> str:
        return f"flips={self.flips} silent={self.silent} raw={self.raw}"


def build(root: Path) -> Path:
    """Make a project with masks, drafts, strokes, results and a run; return it as it lies while a sitting is open."""
    project = build_project(root / "made", IMAGES)
    write_checkpoint(project)
    _write_run(project)
    with Project.open(project) as opened:
        opened.set_plan(colours_plan())
    sitting = Sitting(root / "config")
    session = sitting.session
    session.open_project(project)
    session.inference.start()
    sitting.settle()
    for value in (1, 2, 3):
        sitting.paint(value, slice(value, value + 5), slice(0, 20))
        assert session.decisions.accept(False) or session.decisions.accept(False)
        session.navigation.next()
    sitting.paint(2)
    session.flush()
    sitting.paint(1, slice(8, 12))
    session.labels.set(session.shown_id, ["red"])
    sitting.settle()
    shutil.copytree(root / "made", root / "live", ignore=shutil.ignore_patterns(*NOT_OURS))
    session.close_project()
    return root / "live" / "project"


def _write_run(project: Path) -> None:
    run = project / "training" / "classifier-0a1b"
    run.mkdir(parents=True)
    record = {"stage": "classifier", "state": "done", "config": {"epochs": 1}, "started": 1.0}
    (run / "run.json").write_text(json.dumps(record))
    lines = [{"event": "progress", "stage": "classifier", "done": step, "total": 9} for step in range(9)]
    (run / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def observed(project: Path) -> tuple[dict[str, Any], list[str]]:
    """Return what a person made, as the program reads it, and what it says on opening."""
    with Project.open(project) as opened:
        said = list(opened.left_out)
        found: dict[str, Any] = {one: Known.stored(opened, one).to_dict() for one in opened.catalog.ids()}
        found["plan"], found["classes"] = opened.plan.to_dict(), opened.classes.names
        found["notes"] = [record.note for record in opened.catalog.records()]
        runs_in(opened.training_folder)
        said += [str(why) for why in unreadable_in(opened.training_folder).values()]
        opened.journal.recent(100)
        said += opened.masks.files.take_told()
    return found, said


class Fuzz:
    """Damages one file of a copied project after another in a folder."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._chance = folder, random.Random(seed)
        self._live = build(folder)
        self._truth, _ = observed(self._copy())
        found = (path.relative_to(self._live) for path in self._live.rglob("*") if path.is_file())
        self._files = sorted(path for path in found if not path.name.endswith("-shm"))
        self.outcome = Outcome()

    def run(self, flips: int, seconds: float = float("inf")) -> Outcome:
        begun = time.monotonic()
        while self.outcome.flips < flips and time.monotonic() - begun < seconds:
            self._one(self._files[self.outcome.flips % len(self._files)])
        return self.outcome

    def _copy(self) -> Path:
        target = self._folder / "copy"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self._live.parent, target)
        return target / "project"

    def _one(self, name: Path) -> None:
        project = self._copy()
        how = self._damage(project / name)
        self.outcome.flips += 1
        try:
            check(project)
            found, said = observed(project)
        except WsssError:
            self.outcome.counts["refused by name"] += 1
            return
        except Exception as raised:  # noqa: BLE001
            self.outcome.raw += 1
            place = traceback.format_exc().strip().splitlines()[-3].strip()
            self.outcome.problems.append(f"{name} {how}: {raised!r} at {place}")
            return
        differing = [key for key in {*self._truth, *found} if self._truth.get(key) != found.get(key)]
        self.outcome.counts["differs and said" if differing else "unchanged"] += bool(said) or not differing
        if differing and not said:
            self.outcome.silent += 1
            self.outcome.problems.append(f"{name} {how}: differs in {differing[:3]}")

    def _damage(self, path: Path) -> str:
        """Damage a file; return how."""
        data, chance = bytearray(path.read_bytes()), self._chance
        if not data:
            path.write_bytes(b"\0")
            return "a byte more"
        at, kind = chance.randrange(len(data)), chance.choice(["bit", "bit", "bytes", "cut", "zeros"])
        if kind == "bit":
            data[at] ^= 1 << chance.randrange(8)
        elif kind == "bytes":
            for _ in range(8):
                data[chance.randrange(len(data))] = chance.randrange(256)
        elif kind == "cut":
            del data[at:]
        else:
            data[at : at + 512] = bytes(len(data[at : at + 512]))
        path.write_bytes(bytes(data))
        return f"{kind} at {at}"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--flips", type=int, default=500)
    options.add_argument("--seconds", type=float, default=float("inf"), help="stop earlier")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    warnings.simplefilter("ignore")
    put_methods_on_the_shelf()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wsss-fuzz-") as folder:
        outcome = Fuzz(Path(folder), chosen.seed).run(chosen.flips, chosen.seconds)
    print(*outcome.problems, sep="\n")
    print(f"{time.monotonic() - begun:.0f} s, {dict(outcome.counts)}")
    print(outcome.line())
    return int(bool(outcome.silent or outcome.raw))


if __name__ == "__main__":
    sys.exit(main())
