"""How far a project's pictures are enlarged before a trunk sees them."""

import statistics

from napari_wsss.core.errors import ProjectError
from napari_wsss.pixels.images import image_size
from napari_wsss.project.project import Project
from napari_wsss.segment.pixel_classifier import PixelClassifier
from training.data.samplers import spread

WANTED_SIDE = 480
"""Longer side in pixels that most pictures are brought to."""
LARGEST = 4.0
_LOOKED_AT = 50


def fix_enlargement(classifier: PixelClassifier, project: Project) -> float:
    """Decide the enlargement that the parameters left open, and return it.

    One factor holds for all pictures, so that an object of one kind has one size in all of them.
    """
    if not classifier.settings.enlargement:
        classifier.enlarge(wanted_enlargement(project))
    return classifier.enlargement


def wanted_enlargement(project: Project) -> float:
    """Return the factor, at most 4, that brings the longer side of the middle picture to `WANTED_SIDE`."""
    sides = []
    for image_id in spread(list(project.catalog.ids()), _LOOKED_AT):
        try:
            sides.append(max(image_size(project.image_path(image_id))))
        except ProjectError:  # a missing picture says nothing about the others
            continue
    if not sides:
        return 1.0
    return round(min(LARGEST, WANTED_SIDE / statistics.median(sides)), 3)
