"""Looking at a project: in napari, as a few lines, and as its training runs."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from napari_wsss.commands.base import DONE, Answer, Command
from napari_wsss.commands.opened import listed, opened, say_backup
from napari_wsss.commands.options import project_argument
from napari_wsss.core.errors import ProjectError, StepError

if TYPE_CHECKING:
    from napari_wsss.project.project import Project
    from napari_wsss.session.runs.folders import RunInfo


def _open(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.project.project import FILE_NAME, Project

    if not (options.project / FILE_NAME).exists() and options.project.name != FILE_NAME:
        raise ProjectError(
            f"There is no project in {options.project} (no {FILE_NAME}); make one with: napari-wsss create"
        )
    try:
        from napari_wsss.widgets.dock import open_window
    except ImportError as missing:  # napari, what it needs, or any binding of Qt
        raise StepError(
            f"The window needs napari and a binding of Qt ({missing}). Install them with: "
            'pip install "napari-wsss[pyqt5]" (or pyqt6, or pyside6).',
            missing=("gui",),
        ) from missing
    open_window(options.project)
    with Project.open_to_read(options.project) as project:
        say_backup(project, answer)  # the one at closing had no window left to be said in
    return DONE


def _info(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.project.backups import BACKUPS, list_backups
    from napari_wsss.session.runs.folders import runs_in, unreadable_in

    with opened(options.project, answer, to_read=True) as project:
        catalog, plan = project.catalog, project.plan
        splits = {split or "without split": sum(1 for _ in catalog.ids(split=split)) for split in ("train", "val", "")}
        labels = catalog.class_counts() | _without_labels(project)
        size = project.store.size_bytes()
        lines = {
            "Project": project.folder,
            "Images": f"{len(catalog)} in {project.images_root}",
            "States": listed(catalog.counts()),
            "Splits": listed(splits),
            "Labels": listed(labels),
            "Model": plan.segmenter_checkpoint or plan.localizer_checkpoint or "none applied yet",
            "Pixels": "every one belongs to a class" if plan.every_pixel else "of a class, or background",
            "Refiners": " -> ".join(step.method for step in plan.refiners) or "none",
            "Results": f"{size / 1e6:.1f} MB (may be deleted at any time)",
            "Backups": project.backup_error or f"{len(list_backups(project.folder / BACKUPS))} of project.sqlite",
            "Runs": "; ".join(f"{run.folder.name} {run.state}" for run in runs_in(project.training_folder)) or "none",
        }
        lines |= {f"Left out ({name})": why for name, why in unreadable_in(project.training_folder).items()}
        answer.say("\n".join(f"{name + ':':<10}{text}" for name, text in lines.items()))
        answer.say(project=project.folder, images_root=project.images_root, images=len(catalog), splits=splits)
        answer.say(states=catalog.counts(), labels=labels, plan=plan.to_dict(), results_bytes=size)
    return DONE


def _without_labels(project: Project) -> dict[str, int]:
    """Return how many images are labelled none of the classes, and how many are not labelled, where there are any."""
    from napari_wsss.project.criteria import Criteria

    counts = {
        "none of the classes": project.catalog.count(Criteria(negative=True)),
        "not labelled yet": project.catalog.count(Criteria(unlabelled=True)),
        "some class unknown": project.catalog.count(Criteria(unknown=True)),
    }
    return {what: count for what, count in counts.items() if count}


def _runs(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.session.runs.folders import runs_in, unreadable_in

    with opened(options.project, answer, to_read=True) as project:
        found, unreadable = runs_in(project.training_folder), unreadable_in(project.training_folder)
    answer.say("\n".join(map(_run_line, found)) or "There are no runs.", runs=[_run_facts(run) for run in found])
    for name, why in unreadable.items():
        answer.warn(f"left out: {name}: {why}")
    return DONE


def _run_line(run: RunInfo) -> str:
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
    figures = ", ".join(f"{name} {value:.4g}" for name, value in list(run.figures.items())[:3])
    said = figures or run.message
    return f"{run.folder.name:<40} {run.state:<12}{began}  step {run.done} of {run.total}{f'  {said}' if said else ''}"


def _run_facts(run: RunInfo) -> dict[str, object]:
    names = ("folder", "stage", "state", "message", "done", "total", "started", "seconds", "figures", "checkpoint")
    return {name: getattr(run, name) for name in names}


OPEN = Command("open", "open a project in napari", project_argument, _open)
INFO = Command("info", "say what is in a project", project_argument, _info)
RUNS = Command("runs", "list the training runs of a project, the newest first", project_argument, _runs)
