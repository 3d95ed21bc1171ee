"""How large a project's pictures are, and how far they are enlarged for features of a frozen trunk."""

import statistics

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.working_size import FEATURES_SIDE, LARGEST
from napari_wsss.pixels.images import image_size
from napari_wsss.project.project import Project

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


def wanted_enlargement(project: Project) -> float:
    """Return the factor, at most 4, that brings the middle picture to the side where features tell most.

    One factor holds for all pictures, so that an object of one kind has one size in all of them.
    """
    side = middle_side(project)
    return round(min(LARGEST, FEATURES_SIDE / side), 3) if side else 1.0
