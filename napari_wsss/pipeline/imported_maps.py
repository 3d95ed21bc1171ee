"""Activation maps made elsewhere, in place of a trained localizer: kept in the project, used without torch.

A folder of ``training`` holds a list (which stands where a localizer's checkpoint would) and one file per image. The
list names the content of every file, so that other maps are another source, whose results are stored apart.
"""

from __future__ import annotations

import numpy as np

from napari_wsss.core.errors import StepError
from napari_wsss.core.files import mapping, read_object, text
from napari_wsss.core.inside import below
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Plan
from napari_wsss.pipeline.lineage import Lineage, checkpoint_of
from napari_wsss.project.results.array_files import DAMAGE, read_arrays

METHOD = "imported"


def is_imported(plan: Plan) -> bool:
    """Tell whether a plan's localizer is a folder of maps made elsewhere."""
    return plan.localizer.method == METHOD and bool(plan.localizer_checkpoint)


def kept_maps(lineage: Lineage, classes: tuple[int, ...]) -> ActivationMaps:
    """Return the kept maps of an image; a class without one has a map of zeros.

    Parameters
    ----------
    lineage : Lineage
        Of an image under a plan with imported maps.
    classes : tuple of int
        Ascending 0-based indices of the project's classes.

    Raises
    ------
    StepError
        When there are none for this image, they are damaged, or of another size than the image is now.
    """
    project, image_id = lineage.project, lineage.image_id
    checkpoint = checkpoint_of(project, lineage.plan, "localize")
    advice = "Import maps that hold this image (napari-wsss import-maps), or apply a localizer."
    try:
        listed = read_object(checkpoint)
        if not text(mapping(listed, "maps"), image_id):
            raise StepError(f"There are no imported maps of {image_id}. {advice}", missing=("maps",))
        arrays = read_arrays(below(checkpoint.parent, f"{image_id}.npz"))
        names, scores = [str(name) for name in arrays["names"]], arrays["scores"].astype(np.float32)
        if scores.ndim != 3 or len(scores) != len(names) or not np.isfinite(scores).all():
            raise ValueError(f"an array of shape {scores.shape} for {len(names)} classes")
    except DAMAGE as reason:
        if isinstance(reason, StepError):
            raise
        raise StepError(f"The imported maps of {image_id} cannot be read ({reason}). {advice}") from reason
    size = project.load_image(image_id).pixels.shape[:2]
    if scores.shape[1:] != size:
        raise StepError(f"The imported maps of {image_id} are {scores.shape[1:]}, the image is {size} now. {advice}")
    rows = {name: row for row, name in enumerate(names)}
    wanted = [rows.get(project.classes.names[k]) for k in classes]
    empty = np.zeros(size, np.float32)
    layers = [empty if row is None else scores[row] for row in wanted]
    return ActivationMaps(np.stack(layers) if layers else np.zeros((0, *size), np.float32), classes)
