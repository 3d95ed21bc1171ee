"""How far a project's pictures are enlarged before a trunk sees them."""

from napari_wsss.pipeline.picture_sides import middle_side, wanted_enlargement
from napari_wsss.project.project import Project
from napari_wsss.segment.pixel_classifier import PixelClassifier


def fix_enlargement(classifier: PixelClassifier, project: Project) -> float:
    """Decide the enlargement that the parameters left open, and return it."""
    if not classifier.settings.enlargement:
        classifier.enlarge(wanted_enlargement(middle_side(project)))
    return classifier.enlargement
