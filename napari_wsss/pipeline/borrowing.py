"""Proposals taken over from a correction: what a person changed in one image, proposed for images that are like it.

Nothing here touches a mask. The result of ``borrow`` is stored under the result it takes the place of, so it counts
while plan, model and labels are what they were; deleting the results or `dismiss` brings an image's own proposal back.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from napari_wsss.clusters.edits import as_left
from napari_wsss.clusters.found import ClassClusters, latest_clusters
from napari_wsss.core.errors import StepError, WsssError
from napari_wsss.core.masks import Mask
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.provenance import Provenance
from napari_wsss.pipeline.applied_evidence import AppliedEvidence
from napari_wsss.pipeline.applied_model import stored_base
from napari_wsss.pipeline.chain import drawn_as_is, handed_on
from napari_wsss.pipeline.correction import Prototypes, learn_prototypes, relative_evidence, with_evidence
from napari_wsss.pipeline.lineage import Lineage, checkpoint_of
from napari_wsss.project.image_clusters import UNTOUCHED
from napari_wsss.project.project import Project

STEP = "borrow"
NEIGHBOURS = 8
"""How many images a correction is proposed for unless a person says otherwise."""


@dataclass(frozen=True)
class BorrowReport:
    """What became of the images a correction was proposed for.

    Parameters
    ----------
    source : str
        The corrected image.
    done : tuple of str
        Images that have its proposal now.
    failed : mapping of str to str
        Images left out, with the reason.
    """

    source: str
    done: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)


def neighbours(
    found: ClassClusters, image_id: str, count: int = NEIGHBOURS, among: Collection[str] | None = None
) -> tuple[str, ...]:
    """Return the images of a class that are most like one of them, the most alike first.

    Parameters
    ----------
    found : ClassClusters
    image_id : str
        One of its images; without clusters of it nothing is known and nothing returned.
    count : int
        At most so many.
    among : collection of str, optional
        Only these.
    """
    if image_id not in found.image_ids:
        return ()
    here = found.coordinates[found.image_ids.index(image_id)]
    order = np.argsort(np.linalg.norm(found.coordinates - here, axis=1), kind="stable")
    ids = (found.image_ids[row] for row in order)
    chosen = [other for other in ids if other != image_id and (among is None or other in among)]
    return tuple(chosen[:count])


def borrowed_mask(item: Lineage) -> Mask | None:
    """Return the proposal (H, W) uint8 that an image has from another one's correction; None when it has its own."""
    source = item.project.catalog.get(item.image_id).borrowed_from
    return item.project.store.read_mask(_provenance(item, source), item.image_id, item.content) if source else None


def forget_outdated(project: Project, image_ids: Iterable[str]) -> tuple[str, ...]:
    """Note which of these images no longer have the proposal they borrowed (plan, model or labels changed).

    Returns
    -------
    tuple of str
        The images that have their own proposal again.
    """
    outdated = tuple(image_id for image_id in image_ids if _is_outdated(project, image_id))
    project.catalog.set_borrowed(outdated, "")
    return outdated


def _is_outdated(project: Project, image_id: str) -> bool:
    try:
        return borrowed_mask(Lineage.of(project, image_id)) is None
    except (WsssError, OSError):  # its model or its file is gone
        return True


def borrow(
    project: Project, source: str, image_ids: Iterable[str], device: str = "auto", *, background: bool = True
) -> Steps[BorrowReport]:
    """Propose for images what a person's mask of another image teaches.

    Parameters
    ----------
    project : Project
        Open for writing.
    source : str
        The corrected image: its working mask counts.
    image_ids : iterable of str
        The images that get a proposal; their activation maps must be stored.
    device : str
        As `networks.device.choose_device` takes it.
    background : bool
        Leave one core to a window.

    Returns
    -------
    generator of Progress
        One per image; returns the `BorrowReport`.

    Raises
    ------
    StepError
        When no localizer is applied, or the source has no mask.
    """
    checkpoint_of(project, project.plan, "localize")
    mask = project.masks.read_working(source)
    if mask is None:
        raise StepError(f"{source} has no mask yet. Correct or accept it first; then it can be proposed for others.")
    ids = tuple(image_ids)
    yield Progress(STEP, 0, len(ids), source)
    own = Lineage.of(project, source)
    features = AppliedEvidence(project, project.plan, source, device, background).meanings()
    proposal = project.store.read_mask(own.result, source, own.content)
    prototypes = learn_prototypes(features, mask, proposal)
    done: list[str] = []
    failed: dict[str, str] = {}
    for number, image_id in enumerate(ids, 1):
        try:
            yield from _borrow_one(Lineage.of(project, image_id), source, prototypes, device, background)
            done.append(image_id)
        except (WsssError, OSError) as reason:
            failed[image_id] = str(reason)
        yield Progress(STEP, number, len(ids), image_id)
    project.catalog.set_borrowed(done, source)
    return BorrowReport(source, tuple(done), failed)


def borrow_for_neighbours(
    project: Project, source: str, class_name: str | None = None, count: int = NEIGHBOURS, device: str = "auto"
) -> Steps[BorrowReport]:
    """Propose a correction for the untouched images that are most like the corrected one.

    Parameters, reports and errors are those of `borrow`, and:

    Parameters
    ----------
    class_name : str, optional
        The class whose clusters say what is alike; the first one of the source by default.
    count : int
        For so many images.

    Raises
    ------
    StepError
        When the project has no clusters, or the source is in none of the class.
    """
    machine = latest_clusters(project.results_folder)
    names = (
        [class_name]
        if class_name
        else project.classes.names_of(project.classes.indices(project.catalog.get(source).labels))
    )
    shown = as_left(project, machine) if machine is not None else None
    found = next((one for name in names if shown and source in (one := shown.of(name)).image_ids), None)
    if found is None:
        raise StepError(f"{source} is in no cluster{f' of {class_name}' if class_name else ''}. Find clusters first.")
    untouched = set(project.catalog.ids(states=UNTOUCHED))
    return (yield from borrow(project, source, neighbours(found, source, count, untouched), device))


def _borrow_one(item: Lineage, source: str, prototypes: Prototypes, device: str, background: bool) -> Steps[None]:
    """Store one image's proposal: its own chain, the evidence laid over as soon as there is a background."""
    store = item.project.store
    evidence = AppliedEvidence(item.project, item.plan, item.image_id, device, background)
    maps = stored_base(item)
    if maps is None:
        raise StepError(f"{item.image_id} has no maps of the applied model yet. Compute them first.")
    factors = relative_evidence(prototypes, evidence.meanings())
    image = item.project.load_image(item.image_id).pixels
    laid_over = maps.background is not None
    if laid_over:
        maps = with_evidence(maps, factors)
    given = maps
    for link in item.links:
        maps = yield from link.refiner.steps(image, given, evidence)
        if not laid_over and maps.background is not None:
            maps, laid_over = with_evidence(maps, factors), True
        given = handed_on(link.refiner, maps)
    # A class that a person's correction takes out does not vanish silently: nothing is put back.
    mask = drawn_as_is(maps, item.plan.every_pixel)
    store.write_mask(_provenance(item, source), item.image_id, item.content, mask)


def _provenance(item: Lineage, source: str) -> Provenance:
    return Provenance(STEP, {"from": source}, parents=(item.result,))
