"""Which refiners run on an image and the mask they give: the one rule preview, storing, training and export ask."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from napari_wsss.core.background import BACKGROUND_STEPS
from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask
from napari_wsss.core.parameters import from_dict
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.registry import load_method
from napari_wsss.pixels.surest_regions import Guarded, SurestRegions
from napari_wsss.project.project import Project
from napari_wsss.project.results.kept_maps import as_stored

CLASS_GAIN = "class_gain"
NO_BACKGROUND = Step("constant_background", {"background_threshold": 0.0})
BaseShelf = Literal["localize", "segment"]
"""Where base maps come from."""


def applied_source(plan: Plan) -> BaseShelf:
    """Return where base maps come from under a plan: an applied segmenter goes before the localizer."""
    return "segment" if plan.segmenter_checkpoint else "localize"


def chain_of(
    plan: Plan, source: BaseShelf, image_id: str, labels: frozenset[str], clusters: Sequence[str] = ()
) -> tuple[Step, ...]:
    """Return the refiners that run on an image (see `running`).

    Parameters
    ----------
    plan : Plan
    source : 'localize' or 'segment'
        Where the base maps come from.
    image_id : str
    labels : frozenset of str
        The image's classes.
    clusters : sequence of str
        The image's clusters, as `clusters_of` gives them.
    """
    return running(plan, source, image_id, plan.refiners_for(image_id, labels, clusters))


def running(plan: Plan, source: BaseShelf, image_id: str, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return those of an image's refiners that run: the one rule of what is previewed, stored, trained on, exported.

    A segmenter brings its background: steps that only set one are left out, unless this very image overrides them. A
    step that is not installed stays, so that running the chain says what is missing. Where every pixel belongs to a
    class, background steps give a background of 0.

    Parameters
    ----------
    plan : Plan
    source : 'localize' or 'segment'
        Where the base maps come from.
    image_id : str
    steps : tuple of Step
        As `Plan.refiners_for` gives them.
    """
    if plan.every_pixel:
        steps = tuple(NO_BACKGROUND if _only_sets_background(step.method) else step for step in steps)
    if source == "localize":
        return steps
    wanted = plan.overrides.get(f"image:{image_id}", {})
    return tuple(step for step in steps if step.method in wanted or not _only_sets_background(step.method))


def clusters_of(project: Project, plan: Plan, image_id: str) -> tuple[str, ...]:
    """Return the names of an image's clusters in the order of the class list; none where no cluster has parameters."""
    return project.catalog.clusters.of(image_id) if plan.knows_clusters else ()


def build_refiner(step: Step) -> Any:
    """Return the refiner of a step of the plan; raise `StepError` or `ParameterError` when it cannot run."""
    cls = load_method("refine", step.method)
    return cls(from_dict(cls.Parameters, step.parameters))


def refiner_for(step: Step, classes: tuple[int, ...]) -> Any:
    """Return the refiner of a step for images of these classes (0-based), None when it leaves them as they are.

    Raises what `build_refiner` does.
    """
    return build_refiner(step).applied_to(classes)


def handed_on(refiner: Any, maps: ActivationMaps) -> ActivationMaps:
    """Return what the next step of a chain is given of a refiner's result.

    The maps of a slow step are given as they are stored, so that nothing depends on whether they were computed now or
    read.
    """
    return maps if refiner.cheap else as_stored(maps)


def drawn(
    maps: ActivationMaps, base: ActivationMaps, methods: Iterable[str] = (), every_pixel: bool = False
) -> Guarded:
    """Return the pseudo mask of refined maps, every labelled class in it, and which classes are in doubt.

    Parameters
    ----------
    maps : ActivationMaps
        After the last refiner, with a background.
    base : ActivationMaps
        Those the chain began with: they say where a class is surest that is left out now.
    methods : iterable of str
        The refiners that ran. Where only a threshold drew, classes may cover the picture: a person lowered it.
    every_pixel : bool
        As the plan has it: the strongest class counts everywhere.
    """
    mask = drawn_as_is(maps, every_pixel)
    by_threshold = base.background is None and set(methods) <= {CLASS_GAIN, *BACKGROUND_STEPS}
    return SurestRegions(base, may_cover=every_pixel or by_threshold).kept_in(mask)


def drawn_as_is(maps: ActivationMaps, every_pixel: bool) -> Mask:
    """Return the pseudo mask (H, W) uint8 of refined maps, also where that leaves a labelled class out."""
    return maps.strongest()[1] if every_pixel else maps.to_mask()


def _only_sets_background(method: str) -> bool:
    try:
        cls = load_method("refine", method)
    except StepError:
        return False
    return "background" in cls.gives and "background" not in cls.needs
