"""What is stored of an image, read as *there or not there*.

Reviewing works without torch. What needs it (computing maps) runs in jobs; what only reads a store and cannot, because
a method's package is missing, counts as *nothing stored* here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError, WsssError
from napari_wsss.core.evidence import NOTHING, Evidence, Remembered
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.registry import load_method
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.borrowing import borrowed_mask
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.project.project import Project


def stored_maps(project: Project, image_id: str) -> ActivationMaps | None:
    """Return the stored maps of the labelled classes, or None when they were not computed yet."""
    try:
        return pipeline.base_maps(project, image_id)
    except WsssError:  # whatever is wrong with the plan, the image can be looked at; a job will say it
        return None


def stored_proposal(project: Project, image_id: str) -> NDArray[np.uint8] | None:
    """Return the stored pseudo mask (H, W) uint8 of the current plan, or None."""
    try:
        return pipeline.proposal(project, image_id)
    except WsssError:  # whatever is wrong with the plan, the image can be looked at; a job will say it
        return None


def proposal_under(project: Project, image_id: str, plan: Plan) -> NDArray[np.uint8] | None:
    """Return the stored pseudo mask (H, W) uint8 of an image under another plan, None when there is none."""
    try:
        item = Lineage.of(project, image_id, plan=plan)
        return project.store.read_mask(item.result, image_id, item.content)
    except (WsssError, OSError):  # its model or a method of it is gone
        return None


def borrowed_proposal(project: Project, image_id: str) -> NDArray[np.uint8] | None:
    """Return the proposal (H, W) uint8 that an image has from another one's correction, None when it has its own."""
    if not project.catalog.get(image_id).borrowed_from:
        return None
    try:
        return borrowed_mask(Lineage.of(project, image_id))
    except (WsssError, OSError):  # its model or its file is gone
        return None


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
