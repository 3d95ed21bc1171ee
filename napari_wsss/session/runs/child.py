"""A stage of the command line as a job: what a person could type runs as a child process and reports its progress.

Unlike a training run it belongs to the window: cancelling the job, or closing the window, ends it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.processes.children import Followed
from napari_wsss.session.runs.folders import parse_line
from napari_wsss.session.runs.process import EXIT_CODES, EXPLAINED, PROGRAM, arguments


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
        Returns the lines the stage reported, as mappings. Single images that could not be done are no failure: the
        last line has them under ``failed``, image id -> reason.

    Raises
    ------
    StepError
        When it cannot be started or fails, or no image could be done, with what it said last.
    """
    shown = Progress(stage, 0, 0, "starting")
    yield shown
    said, last_text = [], ""
    words = arguments(stage, project_folder, {**(options or {}), "events": True})
    try:
        child = Followed([*program, *words])
    except OSError as reason:
        raise StepError(f"The stage {stage} could not be started ({reason}).") from reason
    with child:
        for line in child:
            record = parse_line(line)
            if record is None:
                last_text = line or last_text
            elif record.get("stage") == "report":
                said.append(record)
            else:
                shown = Progress.from_dict(record)
            yield shown  # also in silence: a moment at which the job can be cancelled
    reasons = failed_images(said) if child.code == EXPLAINED else {}
    result = said[-1] if reasons else {}
    some_done = any(isinstance(result.get(name), int) and result[name] > 0 for name in ("done", "reused"))
    if child.code and not (reasons and some_done):
        why = last_text or next(iter(reasons.values()), "")
        raise StepError(f"{stage}: {why or EXIT_CODES.get(child.code, f'ended with code {child.code}')}")
    return tuple(said)


def failed_images(said: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return image id -> reason of the images that a stage, by the lines it reported, could not do."""
    failed = said[-1].get("failed") if said else None
    return {str(name): str(reason) for name, reason in failed.items()} if isinstance(failed, Mapping) else {}
