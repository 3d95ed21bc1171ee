"""Projects as commands open them: what was left out, and a backup that failed, is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_wsss.commands.base import Answer

if TYPE_CHECKING:
    from napari_wsss.project.project import Project


@contextmanager
def opened(folder: Path, answer: Answer, *, to_read: bool = False) -> Iterator[Project]:
    """Yield a project opened for writing, or to read; say what it is opened without, and a backup that failed."""
    from napari_wsss.project.project import Project

    with Project.open_to_read(folder) if to_read else Project.open(folder) as project:
        for sentence in project.left_out:
            answer.warn(sentence)
        yield project
    if not to_read:
        say_backup(project, answer)


def say_backup(project: Project, answer: Answer) -> None:
    """Say that no backup holds the last changes, where that is so."""
    if project.backup_error:
        answer.warn(project.backup_error)


def suggest_every_pixel(project: Project, answer: Answer) -> None:
    """Say that the labels look as if every pixel belonged to a class."""
    from napari_wsss.pipeline.every_pixel import suggestion

    why = "" if project.plan.every_pixel else suggestion(project)
    if why:
        how = "If there is no background, say so: --every-pixel when it is made, or on the page Project."
        answer.say(f"{why} {how}", suggestion=why)


def listed(counts: Mapping[str, int]) -> str:
    """Return counts as one line."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())
