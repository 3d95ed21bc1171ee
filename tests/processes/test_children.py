"""Real children: they find our modules and never a person's, are heard, and end when asked or by force, all of them."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_wsss.processes import children
from napari_wsss.processes.children import (
    ROOT,
    SILENCE,
    Followed,
    distrust,
    end,
    environment,
    python,
    run_here,
    said_by,
    start,
)

posix = pytest.mark.skipif(os.name != "posix", reason="signals and process groups are a POSIX matter")
HOLD = "import time; print('ready', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {HOLD}"
PARENT = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {DEAF!r}]).pid, flush=True); {HOLD}"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "POLL_SECONDS", 0.02)


def lines_of(command: tuple[str, ...]) -> tuple[list[str], int | None]:
    with Followed(command) as output:
        lines = [line for line in output if line != SILENCE]
    return lines, output.code


def ready(code: str) -> Followed:
    """Return a child that has said that it is ready."""
    child = Followed(python("-c", code))
    for line in child:
        if line == "ready":
            return child
    raise AssertionError("it ended before it was ready")


def is_gone(pid: int) -> bool:
    """Return whether a process has ended (it may wait for somebody to note it)."""
    if sys.platform != "linux":
        psutil = importlib.import_module("psutil")
        return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


# -- what a child imports ---------------------------------------------------------------------------------------


@pytest.fixture(params=["started elsewhere", "started there"])
def data_folder_with_a_trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """Return the current folder: a person's, with scripts that bear the names of modules of ours and of others."""
    for name in ("training", "json", "napari_wsss"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    if request.param == "started there":  # as `python -m napari` does
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.syspath_prepend("")
    return tmp_path


@pytest.mark.usefixtures("data_folder_with_a_trap")
def test_a_persons_scripts_in_the_current_folder_are_not_imported() -> None:
    lines, code = lines_of(python("-m", "training.run", "--help"))
    assert code == 0, lines
    assert any("usage" in line for line in lines)
    lines, code = lines_of(python("-c", "import json, training; print(training.__path__[0])"))
    assert (lines, code) == ([str(ROOT / "training")], 0)


HOSTILE = ("argparse", "numpy", "torch", "training", "napari_wsss", "deeper")


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of packages that leave a mark when they are imported; it is the current one."""
    for name in HOSTILE:
        package = tmp_path / name
        package.mkdir()
        mark = f"open({str(tmp_path / 'CODE_RAN')!r}, 'w').write('x')"
        for file in ("__init__", "run", "cli", "argparse", "numpy"):
            (package / f"{file}.py").write_text(mark)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("paths", [["", "."], ["{here}"], ["deeper", "{here}/"]])
def test_nothing_in_the_current_folder_is_imported_by_children(
    hostile: Path, monkeypatch: pytest.MonkeyPatch, paths: list[str]
) -> None:
    monkeypatch.setattr(sys, "path", [*(path.format(here=hostile) for path in paths), *sys.path])
    lines, code = lines_of(python("-c", "import argparse, numpy, training, napari_wsss.cli; print('done')"))
    assert (lines, code) == (["done"], 0)
    assert not (hostile / "CODE_RAN").exists()


def test_a_folder_of_data_is_not_imported_from(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = hostile / "pictures"
    inside.mkdir()
    before = [entry for entry in sys.path if entry]
    monkeypatch.setattr(sys, "path", ["", ".", str(hostile), f"{hostile}/pictures/..", *before])
    distrust(hostile)
    assert sys.path == before
    monkeypatch.chdir(inside)
    monkeypatch.setattr(sys, "path", ["", str(hostile), *before])
    distrust(hostile)
    assert sys.path == before


@pytest.mark.parametrize("words", [("info", "."), ("evaluate", "--project", ".", "--of", "pseudo")])
def test_our_programs_run_no_code_of_the_project_they_are_started_in(hostile: Path, words: tuple[str, ...]) -> None:
    start = "import sys; sys.path[:1] = []; from napari_wsss.cli import main; sys.path[:0] = ['']; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    run = subprocess.run([sys.executable, "-c", start, *words], env=environment, capture_output=True, timeout=100)
    assert run.returncode == 4, run.stderr
    assert not (hostile / "CODE_RAN").exists()


def test_a_checkout_that_is_not_installed_finds_itself() -> None:
    """``-S`` leaves out what is installed; the current folder is that of our packages, so it may be looked into."""
    child = "import napari_wsss, training; print(napari_wsss.__path__[0])"
    code = (
        "from napari_wsss.processes.children import Followed, python\n"
        f"with Followed(python('-S', '-c', {child!r})) as output: print([one for one in output if one], output.code)"
    )
    bare = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-S", "-c", code]
    found = subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True, check=True).stdout
    assert found.strip() == f"[{str(ROOT / 'napari_wsss')!r}] 0"


def test_a_child_finds_what_this_process_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "found_by_the_parent.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert lines_of(python("-c", "import found_by_the_parent")) == ([], 0)


def test_it_leaves_a_core_free_and_its_threads_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert environment()["OMP_NUM_THREADS"] == "7"
    assert environment()["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert environment()["OMP_NUM_THREADS"] == "2"


# -- what it says -----------------------------------------------------------------------------------------------


def test_lines_come_as_they_are_written_and_the_code_at_the_end() -> None:
    code = "import sys, time\nfor n in range(3): print(n, flush=True); time.sleep(0.1)\nsys.exit('so it ends')"
    times = {}
    with Followed(python("-c", code)) as output:
        for line in output:
            times[line] = time.monotonic()
            assert output.code is None
    assert [line for line in times if line] == ["0", "1", "2", "so it ends"]
    assert SILENCE in times
    assert output.code == 1
    assert times["2"] - times["0"] > 0.15


def test_what_is_no_text_does_not_stop_it() -> None:
    code = "import sys; sys.stdout.buffer.write(b'a \\xff b\\n'); print('on')"
    assert lines_of(python("-c", code)) == (["a \ufffd b", "on"], 0)


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        Followed([str(tmp_path / "nothing")])


def test_commands_in_this_terminal_and_of_the_system(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_here(python("-c", "print('here'); raise SystemExit(4)")) == 4
    assert capfd.readouterr().out == "here\n"
    assert said_by([sys.executable, "-c", "print('there')"]) == "there\n"


# -- how it ends ------------------------------------------------------------------------------------------------


def test_a_child_that_listens_ends_at_once() -> None:
    child, begin = ready(HOLD), time.monotonic()
    with child:
        pass
    assert time.monotonic() - begin < 4  # not the grace
    assert child._child.returncode != 0


@posix
def test_a_child_that_does_not_listen_is_ended_by_force_after_the_grace() -> None:
    child = ready(DEAF)._child
    begin = time.monotonic()
    end(child, grace=0.3)
    assert 0.3 <= time.monotonic() - begin < 4
    assert child.returncode == -children.FORCE
    end(child)  # and again


@posix
@pytest.mark.parametrize("grace", [0, 0.2])
def test_what_a_child_started_ends_with_it(grace: float) -> None:
    child = Followed(python("-c", PARENT))
    lines = iter(child)
    pid = int(next(line for line in lines if line))
    assert next(line for line in lines if line) == "ready"
    assert not is_gone(pid)
    end(child._child, grace)
    assert until(lambda: is_gone(pid))
    assert list(filter(None, lines)) == []  # the pipe is closed by all


@posix
def test_what_a_child_leaves_behind_does_not_hold_its_follower() -> None:
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); sys.exit(3)"
    begin = time.monotonic()
    _, code_of_it = lines_of(python("-c", code))
    assert code_of_it == 3
    assert time.monotonic() - begin < 20


@posix
def test_children_end_with_the_program_unless_they_are_to_outlive_it() -> None:
    code = (
        "import subprocess\nfrom napari_wsss.processes.children import python, start\n"
        f"made = [start(python('-c', {HOLD!r}), writes=subprocess.DEVNULL, outlives=one) for one in (False, True)]\n"
        "print(*(one.pid for one in made))"
    )
    lines, ended = lines_of(python("-c", code))
    assert ended == 0, lines
    mortal, immortal = map(int, lines[0].split())
    assert until(lambda: is_gone(mortal))
    assert not is_gone(immortal)
    children.end_by_force(immortal)
    assert until(lambda: is_gone(immortal))


@posix
def test_one_that_heads_no_group_is_reached_too() -> None:
    child = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    children.ask_to_end(child.pid)
    assert child.wait(10) != 0
    child.stdout.close()
    children.ask_to_end(child.pid)  # it is gone: nothing happens
    children.end_by_force(0)  # nor to this process' own group


@posix
def test_it_heads_its_own_group() -> None:
    child = start(python("-c", HOLD))
    assert os.getpgid(child.pid) == child.pid != os.getpgid(0)
    end(child, grace=0)
    assert child.stdout is not None
    child.stdout.close()
