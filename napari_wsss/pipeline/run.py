"""Runs the stages in order over images and reuses what is stored.

Base maps come from the applied localizer (or the applied segmenter), refiners follow in the plan's order, and the
result's pseudo mask is the proposal. Every result is stored under the key of all that decides it, so a changed
refiner re-runs only itself and what follows, and a replaced image or a changed label re-runs that image only.

The shelves are reached through the registry when a stage runs; reading what is stored needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError
from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.progress import Steps
from napari_wsss.pipeline.applied_evidence import AppliedEvidence
from napari_wsss.pipeline.applied_model import stored_base
from napari_wsss.pipeline.borrowing import borrowed_mask
from napari_wsss.pipeline.chain import BaseShelf, applied_source, build_refiner, drawn, handed_on, refiner_for
from napari_wsss.pipeline.imported_maps import is_imported
from napari_wsss.pipeline.large.masks import stored_mask, write_large_mask
from napari_wsss.pipeline.lineage import Lineage, checkpoint_of, has_model
from napari_wsss.pipeline.over_images import Outcome, StageReport, Write, over_images
from napari_wsss.pipeline.ready import Ready, compute_together, looks_by_window
from napari_wsss.pipeline.refining import furthest, refine_and_store
from napari_wsss.pixels.surest_regions import Guarded
from napari_wsss.project.project import Project
from napari_wsss.project.sharing.share import Share

Told = Callable[[Lineage, ActivationMaps, Guarded], None]


# -- running stages ---------------------------------------------------------------------------------------


def localize(
    project: Project,
    ids: Iterable[str] | Share,
    device: str = "auto",
    *,
    background: bool = True,
    plan: Plan | None = None,
) -> Steps[StageReport]:
    """Compute the missing activation maps of images by the applied localizer.

    Parameters
    ----------
    project : Project
    ids : iterable of str, or Share
        In the order to work in (the shown image first); or what this worker does of them, beside others.
    device : str
        As `networks.device.choose_device` takes it.
    background : bool
        Leave one core to a window: then nothing is read ahead either.
    plan : Plan, optional
        In place of the project's, whose results stay beside these.

    Returns
    -------
    generator of Progress
        One per finished image, its `message` the image's id; returns the `StageReport`. An image that cannot be
        read is reported and does not stop the others.

    Raises
    ------
    StepError, WeightsError
        Before the first image that needs it, when no usable model is applied.
    """
    return _base_stage(project, ids, "localize", device, background, plan)


def segment(
    project: Project,
    ids: Iterable[str] | Share,
    device: str = "auto",
    *,
    background: bool = True,
    plan: Plan | None = None,
) -> Steps[StageReport]:
    """Compute the missing class probabilities of images by the applied segmenter; otherwise like `localize`."""
    return _base_stage(project, ids, "segment", device, background, plan)


def propose(
    project: Project,
    ids: Iterable[str] | Share,
    device: str = "auto",
    *,
    background: bool = True,
    plan: Plan | None = None,
    tell: Told | None = None,
) -> Steps[StageReport]:
    """Compute maps and pseudo mask of each image, only what is missing, one image after the other.

    Other parameters and reports are those of `localize`.

    Parameters
    ----------
    tell : callable, optional
        Given what was computed, or found, of each image: its base maps, and its proposal.

    Raises
    ------
    StepError, ParameterError
        At the start, when the plan cannot run (see `check_plan`) or no model is applied.
    """
    used = plan or project.plan
    check_plan(used)
    checkpoint_of(project, used, applied_source(used))

    def prepare(image_id: str) -> Ready:
        item = Lineage.of(project, image_id, plan=plan)
        large = looks_by_window(item, background)
        ready = Ready(item, stored_base(item), stored_mask(item) if large else stored_proposal(item), is_large=large)
        if not (background or large or item.awaits_labels or ready.is_whole):
            project.keep_image(image_id)
        return ready

    def compute(ready: Ready, write: Write) -> Steps[Outcome]:
        item, found = ready.item, ready.proposal
        if item.awaits_labels:
            return Outcome(None, item.labelled)
        base = ready.base or ready.new_base(device, background, write)
        if ready.is_large:
            if found is None:
                write_large_mask(item, base)
            return Outcome(ready.is_whole, item.labelled, is_large=True)
        if found is None:
            found = yield from refine_and_store(item, base, _evidence(item, device, background), write)
        if tell is not None:
            tell(item, base, found)
        return Outcome(ready.is_whole, item.labelled)

    return (yield from _over_images("propose", project, ids, prepare, compute, device, background))


def refine_maps(
    image: NDArray[np.uint8], maps: ActivationMaps, steps: Sequence[Step], evidence: Evidence = NOTHING
) -> ActivationMaps:
    """Return the maps after a chain of refiners, computed now and not stored (a live preview).

    Parameters
    ----------
    image : (H, W, 3) uint8
        RGB.
    maps : ActivationMaps
        Base maps; with a background already, background-giving steps replace it.
    steps : sequence of Step
        In the order they run.
    evidence : Evidence
        What the steps may ask for besides (`evidence_of`).
    """
    given = maps
    for step in steps:
        refiner = refiner_for(step, maps.classes)
        if refiner is not None:
            maps = refiner.refine(image, given, evidence)
            given = handed_on(refiner, maps)
    return maps


def refined_mask(
    image: NDArray[np.uint8], maps: ActivationMaps, steps: Sequence[Step], evidence: Evidence = NOTHING
) -> Mask:
    """Return the pseudo mask (H, W) uint8 that is proposed after a chain of refiners; see `refine_maps`."""
    return drawn(refine_maps(image, maps, steps, evidence), maps, (step.method for step in steps)).mask


def evidence_of(project: Project, image_id: str, device: str = "auto", *, background: bool = True) -> Evidence:
    """Return what refiners may ask for about an image: features of the applied localizer, saliency, affinities.

    Parameters are those of `localize`; nothing is computed before a step asks.
    """
    return AppliedEvidence(project, project.plan, image_id, device, background)


def _evidence(item: Lineage, device: str = "auto", background: bool = True) -> Evidence:
    return AppliedEvidence(item.project, item.plan, item.image_id, device, background)


def check_plan(plan: Plan) -> None:
    """Check that a plan's refiners exist, are installed, and find what they need.

    Raises
    ------
    StepError
        Naming the first step that cannot run and why (``missing`` says what it lacks).
    ParameterError
        When a step has parameters it does not know or that are out of bounds.
    """
    available = {"background"} if applied_source(plan) == "segment" else set()
    available |= {"features"} if plan.localizer_checkpoint and not is_imported(plan) else set()
    available |= {"saliency"} if plan.saliency_folder or plan.saliency_checkpoint else set()
    available |= {"affinity"} if plan.affinity_checkpoint else set()
    for step in plan.refiners:
        refiner = build_refiner(step)
        lacking = sorted(refiner.needs - available)
        if lacking:
            raise StepError(
                f"{refiner.title} needs {', '.join(lacking)}, which nothing before it gives. {_advice(lacking)}, or "
                "remove this one.",
                missing=lacking,
            )
        available |= refiner.gives
    if "background" not in available:
        raise StepError(
            "The plan has no background step, so no pseudo mask can be drawn. Add the constant or power one.",
            missing=("background",),
        )


def _advice(lacking: Sequence[str]) -> str:
    known = {
        "features": "Train and apply a localizer",
        "saliency": "Choose a folder of saliency maps, or train and apply a saliency network",
        "affinity": "Train and apply an affinity network (stage affinity or boundary)",
    }
    return known.get(lacking[0], "Put a step that gives it in front")


# -- reading what is stored -------------------------------------------------------------------------------


def base_maps(project: Project, image_id: str, source: BaseShelf | None = None) -> ActivationMaps | None:
    """Return the stored maps of the labelled classes; None when not computed yet (or no model is applied).

    They are those of the applied segmenter or else localizer, unless `source` names one of both.
    """
    if not has_model(project.plan):
        return None
    return stored_base(Lineage.of(project, image_id, source, refined=False))


def refined_maps(project: Project, image_id: str) -> ActivationMaps | None:
    """Return the maps after the plan's refiners: from what is stored, quick steps computed now.

    None when a slow step (or the base maps) was not computed yet.
    """
    base = base_maps(project, image_id)
    if base is None:
        return None
    item = Lineage.of(project, image_id)
    position, maps = furthest(item, base, len(item.links))
    rest = item.links[position:]
    if not all(link.refiner.cheap for link in rest):
        return None
    image = project.load_image(image_id).pixels if rest else None
    for link in rest:  # quick ones, which hand on what they give
        maps = link.refiner.refine(image, maps, _evidence(item))
    return maps


def proposal(project: Project, image_id: str) -> Mask | None:
    """Return the stored pseudo mask (H, W) uint8 of the current plan and labels; None when not computed yet.

    One that was taken over from another image's correction goes before the image's own (see `pipeline.borrowing`).
    """
    if not has_model(project.plan):
        return None
    item = Lineage.of(project, image_id)
    borrowed = borrowed_mask(item)
    stored = stored_proposal(item) if borrowed is None else None
    return stored.mask if stored else borrowed


def stored_proposal(item: Lineage) -> Guarded | None:
    """Return an image's own stored pseudo mask and which classes it is in doubt of; None when not computed yet.

    Masks of before these were noted count as long as no labelled class is missing in them.
    """
    if item.awaits_labels:
        return None
    key = (item.result, item.image_id, item.content)
    found = item.project.store.read_guarded(*key)
    if found is not None:
        return found
    before = item.project.store.read_mask(*key)
    is_whole = before is not None and set(item.classes) <= {int(value) - 1 for value in np.unique(before)}
    return Guarded(before, ()) if before is not None and is_whole else None


def own_proposal(project: Project, image_id: str, plan: Plan) -> Mask | None:
    """Return the stored pseudo mask (H, W) uint8 of an image under any plan, never one that was taken over."""
    stored = stored_proposal(Lineage.of(project, image_id, plan=plan))
    return stored.mask if stored else None


# -- the loop over images ---------------------------------------------------------------------------------


def _base_stage(
    project: Project, ids: Iterable[str] | Share, source: BaseShelf, device: str, background: bool, plan: Plan | None
) -> Steps[StageReport]:
    checkpoint_of(project, plan or project.plan, source)

    def prepare(image_id: str) -> Ready:
        item = Lineage.of(project, image_id, source, plan, refined=False)
        base, large = stored_base(item), looks_by_window(item, background)
        if not (background or large or item.awaits_labels) and base is None:
            project.keep_image(image_id)
        return Ready(item, base, is_large=large)

    def compute(ready: Ready, write: Write) -> Steps[Outcome]:
        yield from ()
        if ready.item.awaits_labels:
            return Outcome(None, ready.item.labelled)
        if ready.base is None:
            ready.new_base(device, background, write)
        return Outcome(ready.base is not None, ready.item.labelled, is_large=ready.is_large)

    return (yield from _over_images(source, project, ids, prepare, compute, device, background))


def _over_images(
    stage: str,
    project: Project,
    ids: Iterable[str] | Share,
    prepare: Callable[[str], Ready],
    compute: Callable[[Ready, Write], Steps[Outcome]],
    device: str,
    background: bool,
) -> Steps[StageReport]:
    if background:
        return (yield from over_images(stage, ids, prepare, compute, ahead=0))
    gather = partial(compute_together, device=device, background=background)

    def weigh(ready: Ready) -> int:
        return project.kept_pixels(ready.item.image_id)

    return (
        yield from over_images(stage, ids, prepare, compute, gather=gather, weigh=weigh, forget=project.forget_image)
    )
