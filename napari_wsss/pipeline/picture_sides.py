"""How large a project's pictures are, and what becomes of them in a run."""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pixels.images import image_size
from napari_wsss.pixels.working_size import FEATURES_SIDE, LARGEST, WorkingSize, seen, side_in_training
from napari_wsss.project.project import Project

ENLARGING = ("pixel_classifier", "hypercolumns")
"""Methods that see all pictures of a project enlarged by one factor."""
_LOOKED_AT = 50


def middle_side(project: Project) -> int:
    """Return the longer side in pixels of a project's middle picture, of 50 spread over all; 0 when none is there."""
    ids, sides = list(project.catalog.ids()), []
    for position in range(min(len(ids), _LOOKED_AT)):
        image_id = ids[position * len(ids) // min(len(ids), _LOOKED_AT)]
        try:
            sides.append(max(image_size(project.image_path(image_id))))
        except ProjectError:  # a missing picture says nothing about the others
            continue
    return round(statistics.median(sides)) if sides else 0


def measured_sides(project: Project) -> Steps[tuple[Path, int]]:
    """Return a project's folder and its `middle_side`, in the background: some fifty files are opened."""
    yield Progress("sizes", 0, 1)
    return project.folder, middle_side(project)


def wanted_enlargement(pictures: int) -> float:
    """Return the factor, at most 4, that brings the middle picture to the side where features tell most.

    One factor holds for all pictures, so that an object of one kind has one size in all of them; 1 for 0 (no picture).
    """
    return round(min(LARGEST, FEATURES_SIDE / pictures), 3) if pictures else 1.0


def working_size(pictures: int, stage: str, method: str, told: Mapping[str, Any]) -> WorkingSize | None:
    """Return what becomes of pictures in a run; None where the method has no size of its own.

    Parameters
    ----------
    pictures : int
        Longer side of the middle one (`middle_side`).
    stage, method : str
    told : mapping
        Options of the run by name.
    """
    if not pictures or method == "lpcam":  # which sees what its base saw
        return None
    if method in ENLARGING:
        enlargement = float(told.get("enlargement", 0.0)) or wanted_enlargement(pictures)
        return WorkingSize(pictures, round(pictures * enlargement))
    return seen(pictures, side_in_training(told)) if stage == "classifier" else None
