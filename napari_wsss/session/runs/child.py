"""A stage of the command line as a job: what a person could type runs as a child process and reports its progress.

Unlike a training run it belongs to the window: cancelling the job, or closing the window, ends it.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.session.runs.folders import parse_line
from napari_wsss.session.runs.process import EXIT_CODES, arguments, environment

POLL_SECONDS = 0.2
LAST_WORDS_SECONDS = 5.0
PROGRAM = (sys.executable, "-m", "training.run")


def run_stage(
    stage: str, project_folder: Path, options: Mapping[str, Any] | None = None, program: Sequence[str] = PROGRAM
) -> Steps[tuple[dict[str, Any], ...]]:
    """Run a stage to its end; closing the generator ends the process.

    Parameters
    ----------
    stage : str
    project_folder : Path
        Open in this process, so the stage may read the project only.
    options : mapping, optional
        As `training_process.arguments` takes them.
    program : sequence of str
        What is started; tests put a small script here.

    Returns
    -------
    generator of Progress
        Returns the lines the stage reported, as mappings.

    Raises
    ------
    StepError
        When it cannot be started or fails, with what it said last.
    """
    yield Progress(stage, 0, 0, "starting")
    words = arguments(stage, project_folder, {**(options or {}), "events": True})
    try:
        child = subprocess.Popen(
            [*program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            text=True,
            errors="replace",
        )
    except OSError as reason:
        raise StepError(f"The stage {stage} could not be started ({reason}).") from reason
    try:
        return (yield from _followed(stage, child))
    finally:
        _end(child)


def _followed(stage: str, child: subprocess.Popen[str]) -> Steps[tuple[dict[str, Any], ...]]:
    lines: queue.Queue[str | None] = queue.Queue()
    assert child.stdout is not None
    threading.Thread(target=_read, args=(child.stdout, lines), name="wsss-stage", daemon=True).start()
    shown, said, last_text = Progress(stage, 0, 0, "starting"), [], ""
    while True:
        try:
            line = lines.get(timeout=POLL_SECONDS)
        except queue.Empty:
            yield shown  # nothing new, but a moment at which the job can be cancelled
            continue
        if line is None:
            break
        record = parse_line(line)
        if record is None:
            last_text = line.strip() or last_text
        elif record.get("stage") == "report":
            said.append(record)
        else:
            shown = Progress.from_dict(record)
            yield shown
    code = child.wait()
    if code:
        reason = EXIT_CODES.get(code, f"ended with code {code}")
        raise StepError(f"{stage}: {last_text or reason}")
    return tuple(said)


def _read(output: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in output:
        lines.put(line)
    lines.put(None)


def _end(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(LAST_WORDS_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stdout is not None:
        child.stdout.close()
