"""The automatic background strength of a project: declared by the method, then estimated from maps of its images.

It is kept in the plan, below everything a person chose: there every reader of the plan (preview, stored proposals,
training, export) finds it without asking anything, and a result's key holds the number it was made with. It is one
number for a model and the images of a project, see `pixels.background_strength`.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.background import BACKGROUND_STEPS, DEFAULT_ALPHA, AutomaticBackground, equivalent_threshold
from napari_wsss.core.classes import IGNORE
from napari_wsss.core.errors import StepError, WsssError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Plan
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.registry import declared
from napari_wsss.core.scribbles import as_seeds
from napari_wsss.pipeline.applied_model import stored_base
from napari_wsss.pipeline.chain import applied_source
from napari_wsss.pipeline.lineage import Lineage, base_provenance
from napari_wsss.pixels.background_strength import Cues, Decided, cues_of, decided_of, estimated_threshold
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import read_scribbles
from napari_wsss.project.states import STATES

STEP = "background"
SAMPLE = 100
"""Images that are looked at, and at most so many with decided pixels besides."""
ENOUGH = 20
"""Images with maps without which nothing is estimated."""
MORE = 2
"""How many times as many images make it worth estimating anew."""


def declared_background(method: str) -> AutomaticBackground:
    """Return the background strength that a localizer declares; that of the power background's default without."""
    text = declared("localize", method, "background_threshold")
    return AutomaticBackground(float(text) if text else round(equivalent_threshold(DEFAULT_ALPHA), 3))


def is_automatic(plan: Plan) -> bool:
    """Return True when a background step of the plan follows the automatic strength."""
    if applied_source(plan) != "localize" or not plan.localizer_checkpoint:
        return False
    steps = (step for step in plan.refiners if step.method in BACKGROUND_STEPS)
    return any(BACKGROUND_STEPS[step.method][0] not in step.parameters for step in steps)


def wants_estimate(project: Project, plan: Plan | None = None, images: int = SAMPLE) -> bool:
    """Return True when an estimate from `images` with maps says more than the one there is.

    It was not made for the applied model, or from less than half as many images, or of images with decided pixels.

    Parameters
    ----------
    project : Project
    plan : Plan, optional
        One that may be the project's next.
    images : int
        How many images have maps, or will have.

    Raises
    ------
    StepError
        When the applied model's file is missing.
    """
    plan, images = plan or project.plan, min(images, SAMPLE, len(project.catalog))
    if images < ENOUGH or not is_automatic(plan):
        return False
    known = plan.automatic
    if known is None or known.model != base_provenance(project, plan, "localize").key:
        return True
    return images >= MORE * known.images or len(_decided_ids(project)) >= MORE * max(known.decided, 1)


def sample_of(project: Project) -> list[str]:
    """Return images to estimate from: labelled ones, evenly spread over the catalog, and those with decided pixels."""
    ids = _spread(list(project.catalog.ids(states=[state for state in STATES if state != "excluded"])), 3 * SAMPLE)
    labelled = [image_id for image_id in ids if project.catalog.get(image_id).labels]
    return list(dict.fromkeys([*_spread(labelled), *_decided_ids(project)]))


def estimate_background(project: Project, ids: Iterable[str]) -> Steps[AutomaticBackground]:
    """Estimate the strength from the stored maps of images, and from what a person decided in them.

    Parameters
    ----------
    project : Project
    ids : iterable of str
        Those of `sample_of`, or others; images without stored maps are passed over.

    Raises
    ------
    StepError
        When fewer than `ENOUGH` of them have maps.
    """
    ids, plan, corrected = tuple(ids), replace(project.plan, refiners=()), set(_decided_ids(project))
    cues, decided = list[Cues](), list[Decided | None]()
    for done, image_id in enumerate(ids, 1):
        with suppress(WsssError, OSError):  # an image that cannot be read says nothing
            maps = stored_base(Lineage.of(project, image_id, "localize", plan))
            if maps is not None and maps.classes:
                cues.append(cues_of(project.load_image(image_id).pixels, maps))
                decided.append(_decided_in(project, image_id, maps) if image_id in corrected else None)
        yield Progress(STEP, done, len(ids), image_id)
    if len(cues) < ENOUGH:
        raise StepError(
            f"{len(cues)} of {len(ids)} images have labels and activation maps, too few to tell how strong the "
            f"background is. Compute the maps of {ENOUGH} at least, or choose the strength (Refine)."
        )
    threshold = estimated_threshold(cues, [one for one in decided if one is not None])
    key = base_provenance(project, plan, "localize").key
    return AutomaticBackground(threshold, key, len(cues), len(corrected))


def _decided_in(project: Project, image_id: str, maps: ActivationMaps) -> Decided | None:
    known = decided_pixels(project, image_id)
    return decided_of(known, maps) if known is not None and known.shape == maps.size else None


def decided_pixels(project: Project, image_id: str) -> NDArray[np.uint8] | None:
    """Return what a person said of an image's pixels (H, W) uint8, 255 where nothing; None where nothing at all.

    All pixels of an accepted mask count, of a draft those a person made; then clicks and scribbles.
    """
    mask, scribbles = project.masks.working(image_id), read_scribbles(project, image_id)
    known = None
    if mask is not None:
        is_accepted = project.catalog.state(image_id) == "accepted"
        known = mask.values if is_accepted else np.where(mask.sources.person, mask.values, np.uint8(IGNORE))
    if scribbles is not None:
        values, seeded = as_seeds(scribbles, project.classes)
        known = np.where(seeded, values, np.uint8(IGNORE) if known is None else known)
    return known


def _decided_ids(project: Project) -> Sequence[str]:
    """Return images with decided pixels; what is held out decides nothing."""
    held_out = set(project.catalog.ids(split="val"))
    return _spread([one for one in project.catalog.ids(states=("accepted", "draft")) if one not in held_out])


def _spread(ids: Sequence[str], most: int = SAMPLE) -> Sequence[str]:
    """Return at most so many of some ids, evenly spread."""
    places = np.linspace(0, len(ids) - 1, min(most, len(ids)))
    return [ids[round(float(place))] for place in places]
