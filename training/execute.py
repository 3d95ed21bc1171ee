"""Carry out one training run: its folder, its progress, its tables and plot, and putting the result to use."""

import hashlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from napari_wsss.clusters.edits import edits_of
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.inside import not_through_links
from napari_wsss.core.progress import Progress, finish
from napari_wsss.core.provenance import Provenance
from napari_wsss.pipeline.apply import apply as apply_model
from napari_wsss.pipeline.picture_sides import middle_side, working_size
from napari_wsss.project.project import Project
from training.changes import seen_at_start
from training.config import RECIPES, RunConfig, module_of
from training.data.pictures import VALIDATION, leave_out, usable_records
from training.data.usable_images import find_unusable
from training.distributed import explained, world
from training.hardware import out_of_memory
from training.logs import note, open_logs
from training.loop.checkpoints import BEST, LAST
from training.loop.milestones import Outcome
from training.loop.plot import write_plot
from training.report import Reporter
from training.resolving import resolve_file
from training.run_folder import RECORD, RunFolder, by_first
from training.scoring.tables import write_tables
from training.stopping import stopped_in_time

PLOT = "plot.png"


def begin(project: Project, config: RunConfig, provenance: Provenance | None = None) -> RunFolder:
    """Make the folder of a new run; its key holds the configuration and everything it learns from."""
    provenance = provenance or provenance_of(project, config)
    record = {
        "config": config.to_dict(),
        "classes": list(project.classes.names),
        "plan": project.plan.to_dict(),
        "seen": seen_at_start(project),
    }
    return RunFolder.create(project.training_folder, config.recipe, provenance, record)


def unfinished(project: Project, config: RunConfig, provenance: Provenance | None = None) -> RunFolder | None:
    """Return the newest run of the same configuration on the same data that can go on and that nobody carries on."""
    runs = _runs_of(project, provenance or provenance_of(project, config), config)
    open_ones = [run for run in runs if run.record.get("state") != "done" and not run.is_carried_on()]
    return open_ones[-1] if open_ones else None


def done_before(project: Project, config: RunConfig, provenance: Provenance | None = None) -> RunFolder | None:
    """Return a finished run of the same configuration on the same data, whose model is still there."""
    runs = _runs_of(project, provenance or provenance_of(project, config), config)
    return next((run for run in runs if run.record.get("state") == "done" and (run.path / BEST).is_file()), None)


def _runs_of(project: Project, provenance: Provenance, config: RunConfig) -> list[RunFolder]:
    """Return the runs of a configuration on what there is to learn from, the newest last."""
    name = f"{config.recipe}-{provenance.key}"
    runs = []
    for path in project.training_folder.glob(f"{name}*/{RECORD}"):
        with suppress(ProjectError):  # a damaged one is left alone
            runs.append(RunFolder.open(path.parent))
    return sorted(runs, key=lambda run: float(run.record.get("started", 0.0)))


def provenance_of(project: Project, config: RunConfig) -> Provenance:
    """Return what decides what a training learns: its configuration, and a digest of all that it learns from."""
    return Provenance(f"training.{config.recipe}", {**config.decisive(), "data": data_digest(project)}, weights="")


def continued(project: Project, folder: Path) -> tuple[RunConfig, RunFolder]:
    """Return the configuration and folder of a run to resume, no longer asked to stop.

    `folder` may be its name alone.

    Raises
    ------
    ProjectError
        When it is no run of this project that can be read.
    """
    known = project.training_folder / folder.name
    place = known if not folder.is_dir() and known.is_dir() else Path(os.path.abspath(folder))
    run = RunFolder.open(not_through_links(project.folder, place))
    run.forget_stop()
    return resolve_file(run.record["recipe"], run.record["config"]), run


def finished_run(
    project: Project, config: RunConfig, note: Path, report: Reporter, *, in_time: bool = False
) -> RunFolder:
    """Return the finished run whose folder name the file `note` holds: carried out, continued or just found.

    `in_time` is that of `carry_out`.

    Raises
    ------
    KeyboardInterrupt
        When somebody stopped it.
    """
    if note.exists():
        name = Path(note.read_text(encoding="utf-8")).name
        config, run = continued(project, project.training_folder / name)
    else:
        run = begin(project, config)
        note.write_text(run.path.name, encoding="utf-8")
    if run.record["state"] != "done" and not carry_out(project, config, run, report, in_time=in_time).finished:
        raise KeyboardInterrupt
    return run


def carry_out(
    project: Project, config: RunConfig, run: RunFolder, report: Reporter, *, in_time: bool = False, log: str = ""
) -> Outcome:
    """Run the recipe to its end or to a stop, showing and noting every progress.

    SIGINT and SIGTERM ask for a stop like the `stop` file does, so that neither loses more than the running step. A
    failure names the last good checkpoint.

    Parameters
    ----------
    project, config, run, report
    in_time : bool
        End this process where a stop is not obeyed within seconds (see `stopped_in_time`).
    log : str
        Names of `training.logs`, separated by commas, that are told all figures too.

    Returns
    -------
    Outcome
    """
    recipe = import_module(f"training.recipes.{module_of(config.recipe, config.method)}")
    report.say(f"run folder: {run.path}", run_folder=str(run.path))
    if config.hardware.processes > 1 and world().size == 1:
        report.say("Several processes (--processes) share a training that is started by itself; this one is one.")
    size = working_size(middle_side(project), config.recipe, config.method, config.flat())
    if size is not None:
        run.update(working_size=asdict(size))
        report.say(str(size))

    logs = open_logs(log, run, report.say) if world().is_first else []

    def follow(progress: Progress) -> None:
        run.note(progress)
        note(logs, [progress.to_dict()])
        report.show(progress)

    earlier, started = float(run.record.get("cpu_seconds", 0.0)), time.process_time()
    try:
        run.forget_stop()  # of an earlier sitting
        with stopped_by_signals(run), stopped_in_time(run) if in_time else nullcontext():
            looked_for = find_unusable(project, usable_records(project), run)
            unusable = finish(by_first(looked_for, run), follow)
            _name_unusable(run, unusable, report)
            leave_out(project, unusable)
            if run.stop_requested():
                outcome = Outcome(False, int(run.record.get("steps", 0)), {}, {})
            else:
                steps = recipe.train(project, config, run)
                outcome = finish(by_first(steps, run) if hasattr(recipe, "IN_ONE_PROCESS") else steps, follow)
    except BaseException as raised:  # a signal, too: the record of what has ended must not say that it runs
        error = explained(raised)
        spent = earlier + time.process_time() - started
        kept = last_good(run)
        text = " ".join(part for part in (str(error) or type(error).__name__, kept) if part)
        run.finish("failed", cpu_seconds=spent, error=text, out_of_memory=out_of_memory(error))
        if kept:
            report.say(kept)
        if error is raised:
            raise
        raise error from raised
    finally:
        for one in logs:
            one.close()
    if world().is_first:
        write_plot(run.path / PLOT, run.events(), f"{config.recipe} {run.path.name}")
        write_tables(run.path, outcome.tables)
    state = "done" if outcome.finished else "stopped"
    spent = earlier + time.process_time() - started
    run.finish(state, steps=outcome.steps, figures=dict(outcome.figures), cpu_seconds=spent)
    return outcome


def last_good(run: RunFolder) -> str:
    """Return a sentence that names the last checkpoint of a run, "" when it has none yet."""
    found = [path for name in (LAST, BEST) if (path := run.path / name).is_file()]
    if not found:
        return ""
    steps = [int(event["done"]) for event in run.events() if event.get("message") == "validated"]
    after = f", of step {steps[-1]}" if steps else ""
    return f"The last good checkpoint is {found[0].name} in {run.path.name}{after}; the run can go on from there."


def _name_unusable(run: RunFolder, found: Mapping[str, str], report: Reporter) -> None:
    """Note in `run.json`, and say, which images the run goes on without."""
    if found or "left_out" in run.record:
        run.update(left_out=dict(found))
    for image_id, reason in found.items():
        report.say(f"left out: {image_id}: {reason}", image=image_id)


@contextmanager
def stopped_by_signals(run: RunFolder) -> Iterator[None]:
    """Turn the first SIGINT or SIGTERM into a stop request; the second one acts as usual."""
    kinds = (signal.SIGINT, signal.SIGTERM)
    usual: dict[signal.Signals, Any] = {}

    def ask(number: int, frame: object) -> None:
        run.request_stop()
        for kind in kinds:
            signal.signal(kind, usual[kind])

    try:
        usual = {kind: signal.signal(kind, ask) for kind in kinds}
    except ValueError:
        # Not the main thread (a test, a notebook): signals are somebody else's business.
        usual = {}
    try:
        yield
    finally:
        for kind, handler in usual.items():
            signal.signal(kind, handler)


def apply(project: Project, config: RunConfig, run: RunFolder, *, best: bool = True) -> None:
    """Make the run's best (or its last) model the one the project's maps and proposals come from.

    Raises `ProjectError` when the project is open read-only.
    """
    apply_model(project, RECIPES[config.recipe][0], config.method, run.path / (BEST if best else LAST))


def data_digest(project: Project) -> str:
    """Return a content hash of everything a run learns from: ids, labels, states, accepted masks, edited clusters."""
    digest = hashlib.sha256(repr(project.classes.names).encode())
    digest.update(repr(sorted(project.classes.gone.items())).encode() if project.classes.gone else b"")
    for record in usable_records(project):
        if record.split == VALIDATION:
            continue
        digest.update(repr((record.id, sorted(record.labels), record.negative, record.state, record.split)).encode())
        digest.update(repr(sorted(record.unknown)).encode() if record.unknown else b"")
        if record.state == "accepted":
            digest.update(project.masks.of(record.id).accepted_file or b"")
    for edit in edits_of(project):
        digest.update(repr(edit.to_dict()).encode())
    return digest.hexdigest()[:16]
