"""Small versions of the kill, fault, fuzz and soak runs; the large ones are ``make kill-test`` and its neighbours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.project.project import Project
from tests.reliability import kill, workers
from tests.reliability.fuzz import Fuzz
from tests.reliability.sitting import IDS, Diary, Known, Labeler, build, read_diary
from tests.reliability.soak import Outcome, Sample, soak

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs fork, /proc and LD_PRELOAD")
MODULES = ["kill", "--kills", "6", "--training-every", "0"]


@linux
def test_kills_lose_at_most_the_stroke_being_made() -> None:
    ended = run(*MODULES)
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("kills=6 lost_strokes_max=")
    assert ended.stdout.endswith("damaged=0\n")


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module in a process of its own: threads of other tests must not be forked."""
    command = [sys.executable, "-m", f"tests.reliability.{module}", *arguments]
    told = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, timeout=110)


@linux
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_faults_lose_nothing() -> None:
    ended = run("faults", "--faults", "6", "--every", "23")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == "faults=6 lost=0 told_wrong=0"


def test_flips_are_named_or_harmless(tmp_path: Path) -> None:
    outcome = Fuzz(tmp_path, seed=3).run(30)
    assert (outcome.flips, outcome.silent, outcome.raw) == (30, 0, 0), outcome.problems


@linux
def test_a_short_sitting_is_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.reliability.soak.DEEDS", 20)
    outcome = soak(tmp_path, 0)
    assert outcome.last.handles - outcome.first.handles <= 4, outcome.line()
    assert outcome.last.memory - outcome.first.memory < 60, outcome.line()


@linux
def test_killed_workers_lose_nothing_and_change_nothing() -> None:
    ended = run("workers", "--kills", "6", "--images", "80", "--workers", "2")
    line = ended.stdout.splitlines()[-1]
    assert line.startswith("kills=6 lost=0 different=0 twice="), ended.stdout + ended.stderr
    assert int(line.partition("twice=")[2].split()[0]) <= 6  # each kill may cost what was not on disk yet
    assert "0 leases left" in ended.stdout


# -- the tests can fail ---------------------------------------------------------------------------------------


@pytest.fixture
def sat(tmp_path: Path) -> tuple[Path, list[dict[str, object]], dict[str, Known]]:
    """Return a closed sitting of 60 deeds, its diary, and what was known before."""
    known = build(tmp_path)
    before = {one: Known(labels=known[one].labels) for one in IDS}
    labeler = Labeler(tmp_path, known, Diary(tmp_path / "diary.txt"), 4)
    labeler.work(60)
    assert labeler.close()
    return tmp_path, read_diary(tmp_path / "diary.txt"), before


def compared(root: Path, records: list[dict[str, object]], before: dict[str, Known]) -> kill.Outcome:
    rounds = kill.Rounds(root, 0)
    rounds._root, rounds._known = root, before
    rounds._compare(records)
    return rounds.outcome


def test_a_sound_sitting_is_found_sound(sat: tuple[Path, list[dict[str, object]], dict[str, Known]]) -> None:
    outcome = compared(*sat)
    assert (outcome.lost_strokes_max, outcome.damaged) == (0, 0), outcome.problems


def test_a_lost_stroke_is_found(sat: tuple[Path, list[dict[str, object]], dict[str, Known]]) -> None:
    root, records, before = sat
    with Project.open(root / "project") as project:
        project.review.record_stroke(IDS[0], np.arange(50), np.full(50, 3, np.uint8))
        project.set_note(IDS[0], "x")
    assert compared(root, records, before).damaged > 0


def test_a_lost_decision_is_found(sat: tuple[Path, list[dict[str, object]], dict[str, Known]]) -> None:
    root, records, before = sat
    backups = root / "project" / "backups"
    oldest = min(backups.glob("*.sqlite"))
    shutil.copy(oldest, root / "project" / "project.sqlite")
    outcome = compared(root, records, before)
    assert outcome.damaged > 0


def test_lost_and_changed_results_of_workers_are_found() -> None:
    made = {"a": "1", "b": "2"}
    for found, lost, different in (
        (made, 0, 0),
        ({"a": "1"}, 1, 0),
        ({"a": "1", "b": "3"}, 0, 1),
        ({**made, "c": "1"}, 0, 1),
    ):
        outcome = workers.Outcome(2)
        workers.compare(outcome, made, found)
        assert (outcome.lost, outcome.different) == (lost, different)
        assert outcome.is_sound == (not lost and not different)
    assert not workers.Outcome(200, computed=Counter({"a": 2, "b": 3})).is_sound, "3 of 200 made twice is too much"
    assert not workers.Outcome(2, left_over=1).is_sound


def test_growth_is_no_flat_line() -> None:
    flat = Sample(100, 20, 5)
    assert Outcome(1, flat, Sample(110, 21, 6)).is_flat
    for grown in (Sample(140, 20, 5), Sample(100, 40, 5), Sample(100, 20, 11)):
        assert not Outcome(1, flat, grown).is_flat
