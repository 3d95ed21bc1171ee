"""Training as a child process: started, heard, stopped, attached to again; real children, no torch."""

from __future__ import annotations

import json
import os
import shlex
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.processes.identity import Process
from napari_wsss.project.project import Project
from napari_wsss.session.mailbox import Mailbox
from napari_wsss.session.runs import process as training_process
from napari_wsss.session.runs.folders import runs_in
from napari_wsss.session.runs.process import TrainingProcess, arguments, cluster_script, command_line

# Behaves like `python -m training.run` towards its folder and its output; STEPS, EXIT and DEAF change how it ends.
CHILD = """
import json, os, signal, sys, time
from pathlib import Path
project = Path(sys.argv[sys.argv.index("--project") + 1])
assert "--events" in sys.argv
steps, code = int(os.environ.get("STEPS", "5")), int(os.environ.get("EXIT", "0"))
run = project / "training" / f"{sys.argv[1]}-abc"
run.mkdir(parents=True, exist_ok=True)
def write(**state):
    record = {"recipe": sys.argv[1], "pid": os.getpid(), "started": time.time(), "config": {"method": "cam"}, **state}
    (run / "run.json.tmp").write_text(json.dumps(record))
    (run / "run.json.tmp").replace(run / "run.json")
if os.environ.get("DEAF"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
write(state="running")
print(json.dumps({"stage": "report", "message": f"run folder: {run}", "run_folder": str(run)}), flush=True)
for step in range(1, steps + 1):
    line = json.dumps({"stage": sys.argv[1], "done": step, "total": steps, "metrics": {"loss": 1 / step}})
    print(line, flush=True)
    with (run / "events.jsonl").open("a") as events:
        events.write(line + "\\n")
    if (run / "stop").exists() and not os.environ.get("DEAF"):
        write(state="stopped")
        (run / "last.safetensors").touch()
        sys.exit(3)
    time.sleep(0.02)
if code:
    write(state="failed", error="There are no labelled images.")
    print("There are no labelled images.", file=sys.stderr)
else:
    write(state="done")
sys.exit(code)
"""


class Watcher:
    """A training process with everything it said."""

    def __init__(self, script: Path) -> None:
        self.mailbox = Mailbox()
        self.process = TrainingProcess(self.mailbox, (sys.executable, str(script)))
        self.steps: list[int] = []
        self.said: list[str] = []
        self.ends: list[tuple[int, Path | None, str]] = []
        self.process.progressed.connect(lambda progress: self.steps.append(progress.done))
        self.process.said.connect(self.said.append)
        self.process.ended.connect(lambda code, folder, message: self.ends.append((code, folder, message)))

    def until(self, condition: Callable[[], bool]) -> None:
        assert self.mailbox.drain_until(condition, 60), (self.steps, self.said, self.ends)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_process, "POLL_SECONDS", 0.02)


@pytest.fixture
def project(project_folder: Path) -> Iterator[Project]:
    with Project.open(project_folder) as opened:
        yield opened


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[Watcher]:
    script = tmp_path / "child.py"
    script.write_text(textwrap.dedent(CHILD))
    made = Watcher(script)
    yield made
    made.process.stop(grace=0)
    made.process.wait(15)


def test_a_run_is_heard_to_its_end(watcher: Watcher, project: Project) -> None:
    watcher.process.start(project, "classifier", {"epochs": 3})
    assert watcher.process.running
    watcher.until(lambda: bool(watcher.ends))
    assert watcher.steps == [1, 2, 3, 4, 5]
    assert watcher.said[0].startswith("run folder")
    folder = project.training_folder / "classifier-abc"
    assert watcher.ends == [(0, folder, "done")]
    assert not watcher.process.running
    (run,) = watcher.process.runs(project)
    assert (run.state, run.done, run.total) == ("done", 5, 5)


def test_a_failed_run_says_why(watcher: Watcher, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXIT", "4")
    watcher.process.start(project, "classifier")
    watcher.until(lambda: bool(watcher.ends))
    code, _, message = watcher.ends[0]
    assert code == 4
    assert message == "There are no labelled images."


def test_a_program_that_cannot_start_says_why(tmp_path: Path, project: Project) -> None:
    script = tmp_path / "missing.py"
    watcher = Watcher(script)
    watcher.process.start(project, "classifier")
    watcher.until(lambda: bool(watcher.ends))
    code, folder, message = watcher.ends[0]
    assert code != 0
    assert folder is None
    assert "missing.py" in message


def test_an_interpreter_that_is_gone_is_an_error_for_a_person(tmp_path: Path, project: Project) -> None:
    process = TrainingProcess(program=(str(tmp_path / "nothing"),))
    with pytest.raises(ProjectError, match="could not be started"):
        process.start(project, "classifier")
    assert not process.running


def test_stopping_leaves_a_run_that_can_be_resumed(
    watcher: Watcher, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPS", "2000")
    watcher.process.start(project, "classifier")
    watcher.until(lambda: len(watcher.steps) > 2)
    with pytest.raises(ProjectError, match="already"):
        watcher.process.start(project, "classifier")
    watcher.process.stop()
    watcher.until(lambda: bool(watcher.ends))
    assert watcher.ends[0][0] == 3
    (run,) = watcher.process.runs(project)
    assert run.can_resume
    (run.folder / "stop").unlink()
    monkeypatch.setenv("STEPS", "3")
    watcher.process.resume(project, run)
    watcher.until(lambda: len(watcher.ends) == 2)
    assert watcher.ends[1][0] == 0


@pytest.mark.skipif(os.name != "posix", reason="process groups are a POSIX matter")
def test_a_deaf_run_is_ended_by_force(watcher: Watcher, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_process, "KILL_GRACE_SECONDS", 0.1)
    monkeypatch.setenv("STEPS", "5000")
    monkeypatch.setenv("DEAF", "1")
    watcher.process.start(project, "classifier")
    watcher.until(lambda: len(watcher.steps) > 1)
    watcher.process.stop(grace=0.05)
    watcher.until(lambda: bool(watcher.ends))
    assert watcher.ends[0][0] not in (0, 3)
    assert [run.state for run in runs_in(project.training_folder)] == ["interrupted"]


def test_a_run_survives_its_window_and_is_attached_to_again(
    watcher: Watcher, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPS", "150")
    watcher.process.start(project, "classifier")
    watcher.until(lambda: len(watcher.steps) > 2)
    child = watcher.process._child
    watcher.process.leave()
    assert watcher.ends == []
    later = Watcher(tmp_path / "child.py")
    assert later.process.attach_to_living(project)
    assert not later.process.attach_to_living(project)
    assert child is not None
    assert child.wait(20) == 0  # nobody else's child: reaped here, as init would do after the window's end
    later.until(lambda: bool(later.ends))
    assert later.ends[0][0] == 0
    assert later.steps == list(range(1, 151))


def put_run(folder: Path, process: Process) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    record = {"recipe": "classifier", "state": "running", "pid": process.pid, "process": process.to_dict()}
    (folder / "run.json").write_text(json.dumps(record))


def test_a_process_that_only_has_the_run_s_number_is_never_signalled(watcher: Watcher, project: Project) -> None:
    folder, mine = project.training_folder / "classifier-x", Process.this()
    put_run(folder, replace(mine, started="long ago"))
    assert not watcher.process.attach_to_living(project)
    watcher.process.run_folder = folder
    assert watcher.process._pid_of_run() == 0
    put_run(folder, mine)
    assert watcher.process._pid_of_run() == mine.pid


def test_what_a_record_says_about_folders_is_not_believed(watcher: Watcher, project: Project, tmp_path: Path) -> None:
    folder, outside = project.training_folder / "classifier-x", tmp_path / "outside"
    outside.mkdir()
    put_run(folder, Process.this())
    (folder / "events.jsonl").write_text(json.dumps({"done": 1, "run_folder": str(outside)}) + "\n")
    (folder / "stop").symlink_to(outside / "made_by_a_link")
    assert watcher.process.attach_to_living(project)
    watcher.until(lambda: bool(watcher.steps))
    assert watcher.process.run_folder == folder
    watcher.process.stop(grace=60)
    watcher.process._press_on(watcher.process._stop_at)
    watcher.process.leave()
    assert list(outside.iterdir()) == []


def test_leaving_and_closing_are_quick(watcher: Watcher, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPS", "2000")
    watcher.process.start(project, "classifier")
    begin = time.monotonic()
    child = watcher.process._child
    watcher.process.leave()
    assert time.monotonic() - begin < 5
    assert not watcher.process.running
    assert child is not None
    child.kill()
    child.wait()


def test_options_become_arguments() -> None:
    options = {"batch_size": 4, "flip": False, "apply": True, "scales": (0.5, 1.0), "config": None}
    found = arguments("classifier", Path("/p"), options)
    assert found == [
        "classifier", "--project", "/p", "--batch-size", "4", "--no-flip", "--apply", "--scales", "0.5", "1.0",
    ]  # fmt: skip


def test_the_command_can_be_copied() -> None:
    text = command_line("classifier", Path("/a folder/p"), {"epochs": 3})
    assert text == "python -P -m training.run classifier --project '/a folder/p' --epochs 3"


def test_a_script_for_a_cluster_leaves_the_number_of_processes_to_it() -> None:
    text = cluster_script("classifier", Path("/a folder/p"), {"processes": 4, "epochs": 3})
    started = next(line for line in text.splitlines() if line.startswith("srun "))
    assert shlex.split(started)[2:] == [
        *("python", "-P", "-m", "training.run", "classifier", "--project", "/a folder/p", "--epochs", "3"),
        *("--resume", "auto"),
    ]
