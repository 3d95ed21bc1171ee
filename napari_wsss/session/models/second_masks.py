"""What accepted masks are compared with: the model in use, the one before, or another person's masks.

A colleague's masks are in a project of their own: a copy of this one, or another of the same images. It is only read,
and what its values mean is told by the names of its classes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import Mask
from napari_wsss.pipeline.apply import last_move
from napari_wsss.project.project import Project
from napari_wsss.session.results import stages
from napari_wsss.session.results.shown import resolve

NO_MODEL_BEFORE = "No other model was in use before this one, so there is nothing of it to compare with."


@dataclass(frozen=True)
class Second:
    """Whose masks are the second ones.

    Parameters
    ----------
    project : Path, optional
        Another project's folder; the model's own proposals without it.
    before : bool
        Those of the model before the one in use.
    """

    project: Path | None = None
    before: bool = False

    @property
    def name(self) -> str:
        """What a person calls it."""
        if self.project is not None:
            return self.project.name
        return "the model before" if self.before else "the model"


@contextmanager
def second_masks(project: Project, second: Second) -> Iterator[Callable[[str], Mask | None]]:
    """Yield a function that returns the second mask (H, W) uint8 of an image, None where there is none.

    Raises
    ------
    ProjectError
        When there is no model before, no such project, or one with other classes.
    """
    if second.project is not None:
        with Project.open(second.project, read_only=True) as theirs:
            values = brought_over(theirs.classes, project.classes, second.name)
            known = theirs.catalog

            def accepted(image_id: str) -> Mask | None:
                found = theirs.masks.read_accepted(image_id) if image_id in known else None
                return None if found is None else values[found]

            yield accepted
        return
    move = last_move(project) if second.before else None
    if second.before and move is None:
        raise ProjectError(NO_MODEL_BEFORE)

    def proposed(image_id: str) -> Mask | None:
        now = resolve(project, project.plan, image_id)
        return (
            stages.best_proposal(project, now)
            if move is None
            else stages.stored_proposal(project, now.under(move.before))
        )

    yield proposed


def brought_over(theirs: ClassList, ours: ClassList, name: str) -> Mask:
    """Return (256,) uint8: for each of their mask values ours of that name, 255 for classes that we have not.

    Raises
    ------
    ProjectError
        When no class has a name of ours.
    """
    values = np.full(256, IGNORE, np.uint8)
    values[BACKGROUND] = BACKGROUND
    shared = [one for one in theirs.current if one in ours.current]
    if not shared:
        raise ProjectError(
            f"The project {name} has none of this project's classes ({', '.join(theirs.current[:5])}): choose one "
            "of the same classes."
        )
    for one in shared:
        values[theirs.mask_value(one)] = ours.mask_value(one)
    return values
