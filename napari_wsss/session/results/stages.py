"""What is stored for an image, read as *there or not there*.

Reviewing works without torch. What needs it (computing maps) runs in jobs; what only reads a store and cannot, because
a model or a method's package is missing, counts as *nothing stored* here.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError, WsssError
from napari_wsss.core.evidence import NOTHING, Evidence, Remembered
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Step
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.registry import load_method
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.applied_model import stored_base
from napari_wsss.pipeline.borrowing import borrowed_mask
from napari_wsss.pipeline.lineage import Lineage, has_model
from napari_wsss.pixels.surest_regions import Guarded
from napari_wsss.project.project import Project
from napari_wsss.session.results.shown import Shown


def base_maps(project: Project, shown: Shown) -> ActivationMaps | None:
    """Return the stored maps of the labelled classes, or None when they were not computed yet."""
    if not has_model(shown.plan):
        return None
    try:
        return stored_base(Lineage.of(project, shown.record.id, plan=shown.plan, record=shown.record, refined=False))
    except WsssError:  # whatever is wrong with the plan, the image can be looked at; a job will say it
        return None


def stored_proposal(project: Project, shown: Shown) -> NDArray[np.uint8] | None:
    """Return the image's own stored pseudo mask (H, W) uint8, None when there is none or its model is gone."""
    found = stored_guarded(project, shown)
    return found.mask if found else None


def stored_guarded(project: Project, shown: Shown) -> Guarded | None:
    """Return the image's own stored pseudo mask with the classes it is in doubt of; None as in `stored_proposal`."""
    if not has_model(shown.plan):
        return None
    try:
        item = Lineage.of(project, shown.record.id, plan=shown.plan, record=shown.record)
        return pipeline.stored_proposal(item)
    except (WsssError, OSError):  # its model or a method of it is gone
        return None


def borrowed_proposal(project: Project, shown: Shown) -> NDArray[np.uint8] | None:
    """Return the proposal (H, W) uint8 that an image has from another one's correction, None when it has its own."""
    if not shown.record.borrowed_from:
        return None
    try:
        return borrowed_mask(Lineage.of(project, shown.record.id, plan=shown.plan, record=shown.record))
    except (WsssError, OSError):  # its model or its file is gone
        return None


def best_proposal(project: Project, shown: Shown) -> NDArray[np.uint8] | None:
    """Return the stored pseudo mask of an image; one taken over from another image's correction goes before its own."""
    borrowed = borrowed_proposal(project, shown)
    return stored_proposal(project, shown) if borrowed is None else borrowed


def evidence_for(project: Project, image_id: str, steps: Sequence[Step]) -> Evidence:
    """Return what a chain may ask about an image; the networks that answer are not loaded before it asks."""
    asking = any(load_method("refine", step.method).needs - {"background"} for step in steps)
    return Remembered(pipeline.evidence_of(project, image_id)) if asking else NOTHING


def boundary(project: Project, image_id: str) -> Steps[NDArray[np.float32]]:
    """Return the class boundaries (h, w) float32 of an image by the applied affinity network.

    Raises
    ------
    StepError
        When none is applied, or the applied one compares pixels without predicting boundaries.
    """
    yield Progress("boundary", 0, 1)
    found = pipeline.evidence_of(project, image_id).affinity().boundary
    if found is None:
        raise StepError(
            "The applied affinity network compares pixels, but predicts no class boundaries. Train and apply one that "
            "does (Train: Class boundaries).",
            missing=("boundary",),
        )
    return np.asarray(found, np.float32)
