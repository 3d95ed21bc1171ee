from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import finish
from napari_wsss.processes.children import python
from napari_wsss.project.project import Project
from napari_wsss.project.sharing import share
from napari_wsss.project.sharing.share import Part
from training import workers as module
from training.run import main
from training.workers import Worker, cores, devices, followed, without

Lines = Callable[[str], list[dict[str, Any]]]
PRINT = """
import json, os, signal, sys
print("some warning")
print(json.dumps({"stage": "localize", "done": 1, "total": 2, "message": "a.png", "metrics": {}}))
%s
print(json.dumps({"stage": "report", "done": 2, "total": 0, "message": "", "metrics": {}, "reused": 0, "failed": {}}))
"""
KILL_ONCE = """
mark = sys.argv[1]
if not os.path.exists(mark):
    open(mark, "w").close()
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""
KILL = 'os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))'


def worker(number: int, what: str = "", *arguments: str) -> Worker:
    return Worker(Part(number, 2), python("-c", PRINT % what, *arguments))


def test_they_are_followed_as_one() -> None:
    both = [worker(1), worker(2)]
    reports = list(followed("localize", both))
    assert (reports[-1].done, reports[-1].total) == (2, 4)
    assert [one.report is not None and one.report["done"] for one in both] == [2, 2]
    assert [one.starts for one in both] == [1, 1]


def test_one_that_is_killed_is_started_again(tmp_path: Path) -> None:
    both = [worker(1), worker(2, KILL_ONCE, str(tmp_path / "mark"))]
    finish(followed("localize", both))
    assert [one.starts for one in both] == [1, 2]
    assert both[1].report is not None


def test_one_that_is_killed_again_and_again_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTARTS", 1)
    with pytest.raises(StepError, match=r"killed 2 times.*memory"):
        finish(followed("localize", [worker(1, KILL), worker(2, "import time; time.sleep(60)")]))


def test_an_error_of_one_is_that_of_all() -> None:
    with pytest.raises(StepError, match=r"exit code 4: some warning\nno such model"):
        finish(followed("localize", [worker(1, "print('no such model'); sys.exit(4)")]))


def test_their_own_options_are_left_out_of_the_command() -> None:
    words = ["--workers", "3", "--ids", "a", "b", "--shard=1/2", "--json", "--preset", "single", "--apply"]
    assert list(without(words, module._OURS)) == ["--ids", "a", "b", "--preset", "single"]


def test_gpus_are_dealt_out_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    assert devices("cpu", 2) == ["cpu", "cpu"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert devices("auto", 3) == ["cuda:0", "cuda:1", "cuda:0"]
    assert devices("cuda:1", 2) == ["cuda:1", "cuda:1"]
    assert cores() >= 1


def results(folder: Path) -> dict[str, bytes]:
    """Return what is stored, byte for byte."""
    found = (path for path in (folder / "results").rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_any_number_of_workers_makes_the_same(
    lines_of: Lines, applied_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["refine", "--project", str(applied_folder), "--refiners", "power_background", "--events"]
    with Project.open(applied_folder, read_only=True) as project:
        count = len(project.catalog)
    assert main([*arguments, "--threads", "1"]) == 0
    alone = results(applied_folder)
    with Project.open(applied_folder) as project:
        project.store.clear()
    assert results(applied_folder) == {}
    capsys.readouterr()
    assert main([*arguments, "--workers", "2", "--threads", "1"]) == 0
    assert results(applied_folder) == alone
    said = lines_of(capsys.readouterr().out)[-1]
    assert (said["done"], said["reused"], said["failed"], said["workers"]) == (count, 0, {}, 2)
    assert share.LEASES not in json.dumps(sorted(alone))
