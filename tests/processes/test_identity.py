from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import pytest

from napari_wsss.processes import identity as processes
from napari_wsss.processes.identity import FIRST_SPACE, Process, System, process_start


def test_process_start_tells_running_from_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process_start(child.pid) != ""
    assert process_start(child.pid) == process_start(child.pid)
    child.communicate(b"\n", timeout=30)
    assert process_start(child.pid) == ""


def test_this_process_lives_and_one_with_its_number_does_not() -> None:
    mine = Process.this()
    assert mine.lives() is True
    assert replace(mine, started=f"{mine.started}0").lives() is False
    assert Process.from_dict(mine.to_dict()) == mine


@pytest.mark.parametrize("changes", [{"host": "elsewhere"}, {"system": "other boot pid:[1]"}, {"started": ""}])
def test_of_a_process_elsewhere_nothing_is_known(changes: dict[str, str]) -> None:
    assert replace(Process.this(), **changes).lives() is None


@pytest.mark.parametrize(("noted", "expected"), [(50.0, False), (0.0, None), (150.0, None)])
def test_a_process_from_before_this_very_machine_started_again_is_gone(
    monkeypatch: pytest.MonkeyPatch, noted: float, expected: bool | None
) -> None:
    here = System("machine", "boot 2".replace(" ", ""), FIRST_SPACE)
    monkeypatch.setattr(System, "here", classmethod(lambda _: here))
    monkeypatch.setattr(processes, "boot_time", lambda: 100.0)
    before = replace(Process.this(), system=str(replace(here, boot="boot1")), started="boot1 7")
    assert before.lives(noted) is expected


def test_the_boot_time_is_in_the_past() -> None:
    assert 0 <= processes.boot_time() < time.time()


def test_psutil_tells_the_same_lives_as_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    monkeypatch.setattr(sys, "platform", "darwin")
    started = process_start(child.pid)
    assert started
    assert process_start(child.pid) == started
    child.communicate(b"\n", timeout=30)
    assert process_start(child.pid) == ""
