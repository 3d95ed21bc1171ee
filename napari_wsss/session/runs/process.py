"""Training as a child process: exactly the command a person could type, watched through the files it writes.

The child's output goes to a log file instead of a pipe, and it gets a process group of its own, so it survives the
window that started it; a window opened later attaches to it again. Stopping puts a ``stop`` file into the run's folder
(works on every system, leaves a checkpoint) and ends the process only when it does not react.
"""

import os
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from psygnal import Signal

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.inside import is_below, is_link, not_through_links
from napari_wsss.core.progress import Progress
from napari_wsss.processes import children
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Dispatch, directly
from napari_wsss.session.pace import Pace
from napari_wsss.session.runs.folders import EVENTS, OF_PARTS, RunInfo, is_running, parse_line, read_run, runs_in

POLL_SECONDS = 0.2
STOP_GRACE_SECONDS = 60.0
KILL_GRACE_SECONDS = 10.0
PROGRAM = children.python("-m", "training.run")
STOP = "stop"
_SLURM = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-task=1
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=4G
#SBATCH --time=08:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue

srun --kill-on-bad-exit=1 {command}
code=$?
if [ $code -eq 3 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit $code
"""
STOPPED = 3
EXPLAINED = 4  # the run's own sentence says what is wrong, which may be a file, an option or the network
EXIT_CODES = {
    0: "done",
    STOPPED: "stopped; it can be resumed",
    EXPLAINED: "the data or settings do not fit",
    5: "out of memory: choose a smaller batch size or crop",
}


def arguments(stage: str, project_folder: Path, options: Mapping[str, Any] | None = None) -> list[str]:
    """Return the arguments of ``python -m training.run`` for a stage.

    Parameters
    ----------
    options : mapping
        Option name with underscores -> value; bool becomes ``--name`` or ``--no-name``, sequences several values, None
        is left out.
    """
    words = [stage, "--project", str(project_folder)]
    for name, value in (options or {}).items():
        flag = "--" + name.replace("_", "-")
        if value is None:
            continue
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, list | tuple):
            words.extend([flag, *map(str, value)])
        else:
            words.extend([flag, str(value)])
    return words


def command_line(stage: str, project_folder: Path, options: Mapping[str, Any] | None = None) -> str:
    """Return the command to copy, for a terminal."""
    return shlex.join(["python", "-P", "-m", "training.run", *arguments(stage, project_folder, options)])


def cluster_script(stage: str, project_folder: Path, options: Mapping[str, Any] | None = None) -> str:
    """Return a batch script for SLURM that trains on four GPUs and goes on when its time is over (docs/cluster.md)."""
    own = {name: value for name, value in (options or {}).items() if name != "processes"}  # as many as srun starts
    return _SLURM.format(name=stage, command=f"{command_line(stage, project_folder, own)} --resume auto")


class TrainingProcess:
    """The training of one session: at most one run at a time.

    Parameters
    ----------
    dispatch : callable
        Brings the signals into the session's thread.
    program : sequence of str
        What is started; tests put a small script here.
    """

    started = Signal()
    progressed = Signal(object)  # Progress
    said = Signal(str)  # a line or table it reports
    offered = Signal(object, Path)  # a model that is ready (an `Offer` as plain types), the folder of the run
    ended = Signal(int, object, str)  # exit code, run folder (Path or None), message

    def __init__(
        self,
        dispatch: Dispatch = directly,
        program: tuple[str, ...] = PROGRAM,
    ) -> None:
        self._dispatch = dispatch
        self._program = program
        self._child: subprocess.Popen[bytes] | None = None
        self._training_folder = Path()
        self._watch: threading.Thread | None = None
        self._stop_at: float | None = None
        self._warned = False
        self._leave = threading.Event()
        self.run_folder: Path | None = None
        self.progress: Progress | None = None
        self._pace = Pace()

    def seconds_left(self) -> float | None:
        """Return the expected seconds to the end of the part that runs, None while nothing is known."""
        return self._pace.seconds_left()

    @property
    def running(self) -> bool:
        """True while a run is watched."""
        return self._watch is not None and self._watch.is_alive()

    def start(self, project: Project, stage: str, options: Mapping[str, Any] | None = None) -> None:
        """Start a stage on a project.

        Raises
        ------
        ProjectError
            When a run is going on, or the process cannot be started.
        """
        if self.running:
            raise ProjectError("A training run is going on already; stop it or wait for its end.")
        words = arguments(stage, project.folder, {**(options or {}), "events": True})
        log = _log_file(project.training_folder, stage)
        try:
            with log.open("wb") as output:
                self._child = children.start([*self._program, *words], writes=output, outlives=True)
        except OSError as reason:
            raise ProjectError(f"The training could not be started ({reason}).") from reason
        child, training_folder = self._child, project.training_folder
        self._training_folder = training_folder
        self.run_folder = None

        def find_folder() -> Path | None:
            return next((run.folder for run in runs_in(training_folder) if _is_of(run, child.pid)), None)

        self._watch_with(lambda: self._follow(log, lambda: child.poll() is None, find_folder))

    def resume(self, project: Project, run: RunInfo) -> None:
        """Go on with a run that was stopped or interrupted; raises as `start`."""
        self.start(project, run.stage, {"resume": str(run.folder)})

    def attach(self, run: RunInfo) -> bool:
        """Watch a run that an earlier window started; return False when none is alive there."""
        if self.running or run.state != "running":
            return False
        self._child, self.run_folder = None, run.folder
        self._watch_with(lambda: self._follow(run.folder / EVENTS, lambda: is_running(run.folder), lambda: run.folder))
        return True

    def attach_to_living(self, project: Project) -> bool:
        """Attach to the project's living run, if there is one; to the whole of one that has parts."""
        living = [run for run in self.runs(project) if run.state == "running"]
        return any(self.attach(run) for run in sorted(living, key=lambda run: run.stage not in OF_PARTS))

    def stop(self, grace: float = STOP_GRACE_SECONDS) -> None:
        """Ask the run to stop after its current step; it is ended by force when it has not reacted after `grace` s."""
        if self.running:
            self._stop_at = time.monotonic() + grace

    def leave(self) -> None:
        """Stop watching and leave the run alone (the window closes)."""
        self._leave.set()
        if self._watch is not None and self._watch is not threading.current_thread():
            self._watch.join(timeout=5)
        self._watch = None

    def runs(self, project: Project) -> list[RunInfo]:
        """Return the project's runs, newest first."""
        return runs_in(project.training_folder)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the watched run has ended; return False when `timeout` seconds were not enough."""
        if self._watch is not None:
            self._watch.join(timeout)
        return not self.running

    # -- the watching thread --------------------------------------------------------------------------------

    def _watch_with(self, follow: Callable[[], None]) -> None:
        self._stop_at, self._warned, self.progress, self._pace = None, False, None, Pace()
        self._leave = threading.Event()
        self._watch = threading.Thread(target=follow, name="wsss-training", daemon=True)
        self._watch.start()
        self._dispatch(self.started.emit)

    def _follow(self, log: Path, alive: Callable[[], bool], find_folder: Callable[[], Path | None]) -> None:
        """Relay new lines of `log` until the process is gone, then tell how it ended."""
        tail, leave = _Tail(log), self._leave
        while not leave.is_set():
            living = alive()  # asked before reading, so that the last lines are read after the end
            if self.run_folder is None:
                self.run_folder = find_folder()
            for line in tail.lines():
                self._hear(line)
            if not living:
                self._tell_end(tail.last_text)
                return
            self._press_on(self._stop_at)
            leave.wait(POLL_SECONDS)

    def _hear(self, line: dict[str, Any]) -> None:
        named = line.get("run_folder")
        # What a child of ours says: a stranger's record may name any folder.
        if isinstance(named, str) and self._child is not None and is_below(self._training_folder, Path(named)):
            self.run_folder = self._training_folder / Path(named).name
        offer, folder = line.get("offer"), self.run_folder
        if isinstance(offer, dict) and folder is not None:
            self._dispatch(lambda: self.offered.emit(offer, folder))
        progress = Progress.from_dict(line)
        if progress.stage == "report":
            self._dispatch(lambda: self.said.emit(progress.message))
            return
        self.progress = progress
        self._pace.hear(progress)
        self._dispatch(lambda: self.progressed.emit(progress))

    def _press_on(self, stop_at: float | None) -> None:
        """Bring a wanted stop about: the file first, later a signal, at last the end of the process group."""
        if stop_at is None:
            return
        if self.run_folder is not None and not is_link(self.run_folder / STOP):
            (self.run_folder / STOP).touch()
        late = time.monotonic() - stop_at
        pid = self._child.pid if self._child is not None else self._pid_of_run()
        if late > KILL_GRACE_SECONDS:
            children.end_by_force(pid)
        elif (late > 0 or self.run_folder is None) and not self._warned:  # without a folder there is nothing to keep
            self._warned = True  # once: a stage may take the second signal as the end of all patience
            children.ask_to_end(pid)

    def _pid_of_run(self) -> int:
        """Return the process of the run that is watched, 0 unless it is surely that one which still runs."""
        run = read_run(self.run_folder) if self.run_folder is not None else None
        process = run.process if run is not None else None
        return process.pid if process is not None and process.lives() else 0

    def _tell_end(self, last_text: str) -> None:
        run = read_run(self.run_folder) if self.run_folder is not None else None
        code = self._child.wait() if self._child is not None else _code_of(run)
        if run is None and self._stop_at is not None:
            code = STOPPED  # before it had begun
        said = run.message if run is not None and run.state == "failed" else ""
        reason = EXIT_CODES.get(code, f"ended with code {code}")
        detail = "" if code in (0, STOPPED) else said or last_text
        parts = (detail,) if detail and code == EXPLAINED else (reason, detail)
        message = ": ".join(part for part in parts if part)
        folder, self._child = self.run_folder, None
        self._watch = None
        self._dispatch(lambda: self.ended.emit(code, folder, message))


class _Tail:
    """Reads what is appended to a file; remembers the last line that was not JSON (an error's text)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.last_text = ""

    def lines(self) -> list[dict[str, Any]]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                content = file.read()
        except OSError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        found = []
        for line in whole.decode(errors="replace").splitlines():
            record = parse_line(line)
            if record is not None:
                found.append(record)
            elif line.strip():
                self.last_text = line.strip()
        return found


def _is_of(run: RunInfo, pid: int) -> bool:
    return run.pid == pid and (run.process is None or run.process.lives() is not False)


def _log_file(training_folder: Path, stage: str) -> Path:
    folder = not_through_links(training_folder.parent, training_folder / "logs")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{stage}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"


def _code_of(run: RunInfo | None) -> int:
    """Return the exit code a run's own record stands for, as nobody waited for its process."""
    state = run.state if run is not None else "interrupted"
    return {"done": 0, "stopped": STOPPED}.get(state, 1)
