"""What decides an image's results under a plan: the keys under which maps and pseudo masks are stored.

Reading what is stored needs nothing but this; no method of the ``localize`` and ``segment`` shelves is imported.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError
from napari_wsss.core.evidence import NOTHING
from napari_wsss.core.inference import Inference, SegmentInference
from napari_wsss.core.inside import below
from napari_wsss.core.parameters import from_dict, to_dict
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.provenance import Provenance
from napari_wsss.core.registry import declared, load_method
from napari_wsss.pipeline.chain import BaseShelf, applied_source, chain_of, clusters_of, refiner_for
from napari_wsss.pipeline.companions import NONE, Companions, related
from napari_wsss.pipeline.learner.chains import plan_of_maps
from napari_wsss.pipeline.saliency_folder import saliency_file
from napari_wsss.pixels.images import content_hash
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord, possible_classes

ModelShelf = Literal["localize", "segment", "saliency", "affinity"]
"""A shelf whose methods are trained."""


class _Chosen(NamedTuple):
    """Where a plan holds what is applied of a shelf, the method when it names none, and the stage that trains one."""

    step: str
    checkpoint: str
    method: str
    stage: str


_CHOSEN: dict[ModelShelf, _Chosen] = {
    "localize": _Chosen("localizer", "localizer_checkpoint", "cam", "classifier"),
    "segment": _Chosen("segmenter", "segmenter_checkpoint", "deeplab_v3", "segmentation"),
    "saliency": _Chosen("saliency", "saliency_checkpoint", "ldf", "saliency"),
    "affinity": _Chosen("affinity", "affinity_checkpoint", "affinity_net", "affinity"),
}
_LATER = {"working_side": 0, "in_turns": False, "shrink": 1}
"""Settings that could not be chosen before, and the values at which results of before stay."""
_KEPT_AS = {("preset", "single"): "fast", ("in_turns", True): "as many scales for both"}
"""Values under whose names of before results stay; and one that means something else now, whose results are others."""
SHELF_OF_STAGE: dict[str, ModelShelf] = {
    **{chosen.stage: source for source, chosen in _CHOSEN.items()},
    "boundary": "affinity",
}
"""Training stage -> shelf of the models it gives."""


@dataclass(frozen=True)
class Link:
    """One refiner of a chain, and what its result is stored under."""

    refiner: Any
    provenance: Provenance


@dataclass(frozen=True)
class Lineage:
    """Everything that decides the results of one image; make one with `of`.

    Parameters
    ----------
    project : Project
    image_id : str
    plan : Plan
        As it was when the lineage was made: a plan changed meanwhile changes nothing here.
    source : 'localize' or 'segment'
        Where the base maps come from.
    classes : tuple of int
        0-based indices of the image-level labels; of all classes for a segmenter while the image is not labelled.
    image_hash : str
        What decides the image's pixels (`Project.pixels_hash`).
    base : Provenance
        Of the base maps.
    links : tuple of Link
        The image's refiners, its own overrides included; none for base maps alone.
    companions : Companions
        The images it is looked at together with; none for most methods.
    labelled : bool
        Whether it is known which classes are in the image, be it none.
    merged : tuple of (int, tuple of int)
        Classes that may be in the image with those that were merged into them: models trained before know these apart.
    """

    project: Project
    image_id: str
    plan: Plan
    source: BaseShelf
    classes: tuple[int, ...]
    image_hash: str
    base: Provenance
    links: tuple[Link, ...]
    companions: Companions = NONE
    labelled: bool = True
    merged: tuple[tuple[int, tuple[int, ...]], ...] = ()

    @classmethod
    def of(
        cls,
        project: Project,
        image_id: str,
        source: BaseShelf | None = None,
        plan: Plan | None = None,
        record: ImageRecord | None = None,
        refined: bool = True,
        image_hash: str | None = None,
    ) -> Lineage:
        """Return the lineage of an image under the project's plan, or under another one.

        Parameters
        ----------
        project : Project
        image_id : str
        source : 'localize' or 'segment', optional
            The applied one (`applied_source`) when not given.
        plan : Plan, optional
        record : ImageRecord, optional
            The image's, where the caller has asked the catalog already.
        refined : bool
            False for base maps alone: they do not wait for what a refiner lacks (an affinity network).
        image_hash : str, optional
            In place of the image's, whose file is then not looked at: for those who ask for keys alone.

        Raises
        ------
        StepError
            When no model is applied, its file is missing, or a refiner is unknown or not installed.
        ParameterError
            When a step has parameters it does not know or that are out of bounds.
        ProjectError
            When the image is unknown or its file is missing.
        """
        plan = plan or project.plan
        source = source or applied_source(plan)
        record = record or project.catalog.get(image_id)
        labels = record.labels
        known = project.classes
        classes = answered_classes(known, source, record)
        image_hash = project.pixels_hash(image_id, record) if image_hash is None else image_hash
        base = base_provenance(project, plan, source)
        chain = chain_of(plan, source, image_id, labels, clusters_of(project, plan, image_id)) if refined else ()
        links, parent = [], base
        for step in chain:
            refiner = refiner_for(step, classes)
            if refiner is None:
                continue
            parents = (parent, *_asked_for(project, plan, source, image_id, refiner))
            parent = Provenance(f"refine.{step.method}", _decisive(refiner.settings), parents=parents)
            links.append(Link(refiner, parent))
        companions = related(project, plan, record) if source == "localize" else NONE
        links_, labelled = tuple(links), record.labelled
        merged = merged_classes(known, possible_classes(record, known)) if known.gone else ()
        return cls(project, image_id, plan, source, classes, image_hash, base, links_, companions, labelled, merged)

    @property
    def awaits_labels(self) -> bool:
        """Whether there is no result before somebody labels the image."""
        return awaits_labels(self.source, self.labelled)

    @property
    def base_content(self) -> str:
        """What base maps are made from: the image, its companions where it has any, and which classes are one now."""
        companions = self.companions.content
        content = f"{self.image_hash} with {companions}" if companions else self.image_hash
        if not self.merged:
            return content
        merged = "; ".join(f"{k} is {','.join(map(str, (k, *members)))}" for k, members in self.merged)
        return f"{content} where {merged}"

    @property
    def content(self) -> str:
        """What refined results are made from: that of the base maps and the image's labels."""
        whole = " every pixel" if self.plan.every_pixel else ""
        return f"{self.base_content} {','.join(map(str, self.classes))}{whole}"

    @property
    def methods(self) -> tuple[str, ...]:
        """The refiners that run, by name."""
        return tuple(link.provenance.step.removeprefix("refine.") for link in self.links)

    @property
    def result(self) -> Provenance:
        """What the pseudo mask is stored under."""
        return self.links[-1].provenance if self.links else self.base


def merged_classes(classes: ClassList, among: tuple[int, ...]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Return which classes of `among` (0-based) others were merged into, each with these."""
    return tuple((k, members) for k in among if (members := classes.merged_into(k)))


def awaits_labels(source: BaseShelf, labelled: bool) -> bool:
    """Tell whether an image has no result yet: a localizer draws maps of labelled classes only."""
    return source == "localize" and not labelled


def answered_classes(classes: ClassList, source: BaseShelf, record: ImageRecord) -> tuple[int, ...]:
    """Return the 0-based indices of the classes that an image's results may show: none while it awaits labels."""
    return classes.indices(record.labels) if source == "localize" else possible_classes(record, classes)


def has_model(plan: Plan) -> bool:
    """Tell whether a trained model is applied."""
    return bool(plan.segmenter_checkpoint or plan.localizer_checkpoint)


def inference_of(plan: Plan, source: ModelShelf) -> Inference | SegmentInference:
    """Return how the applied model is run, presets spelt out."""
    return _inference(source, _parameters(plan, source))


def _parameters(plan: Plan, source: ModelShelf) -> str:
    """Return the chosen parameters of a shelf's model as JSON."""
    step: Step | None = getattr(plan, _CHOSEN[source].step)
    return json.dumps(step.parameters if step else {})


@lru_cache(maxsize=32)
def _inference(source: ModelShelf, parameters: str) -> Inference | SegmentInference:
    """Return checked settings of parameters as JSON: the same ones for every image of a project."""
    given = json.loads(parameters)
    if source == "segment":
        return from_dict(SegmentInference, given).resolved()
    if source == "localize":
        return from_dict(Inference, given).resolved()
    return from_dict(Inference, {"preset": "single", **given}).resolved()  # one pass, unless it is asked for more


def method_of(plan: Plan, source: ModelShelf) -> str:
    """Return the name of the applied model's method."""
    step: Step | None = getattr(plan, _CHOSEN[source].step)
    return step.method if step else _CHOSEN[source].method


def checkpoint_of(project: Project, plan: Plan, source: ModelShelf) -> Path:
    """Return the file of the applied model; raise `StepError` when none is applied or it is missing."""
    chosen = _CHOSEN[source]
    relative: str = getattr(plan, chosen.checkpoint)
    advice = f"Train one (python -m training.run {chosen.stage} --project DIR --apply) or apply a finished run."
    if not relative:
        raise StepError(f"No trained {source} model is applied to this project. {advice}", missing=("model",))
    path = below(project.folder, relative)
    if not path.is_file():
        raise StepError(f"The applied {source} model {path} is missing. {advice}", missing=("model",))
    return path


def with_model(plan: Plan, source: ModelShelf, method: str, checkpoint: str) -> Plan:
    """Return the plan that uses a trained model.

    Parameters
    ----------
    plan : Plan
    source : str
        The model's shelf.
    method : str
        Parameters chosen for this method before stay.
    checkpoint : str
        Its file, relative to the project's folder. A localizer takes the place of an applied segmenter.
    """
    chosen = _CHOSEN[source]
    known: Step | None = getattr(plan, chosen.step)
    step = known if known is not None and known.method == method else Step(method)
    changes: dict[str, Any] = {chosen.step: step, chosen.checkpoint: checkpoint}
    if source == "localize":
        changes["segmenter_checkpoint"] = ""
    return replace(plan, **changes)


def is_asked(plan: Plan, source: ModelShelf) -> bool:
    """Tell whether a plan's proposals depend on a shelf's model: it gives the base maps, or a refiner asks it."""
    if source in ("localize", "segment"):
        return True
    return any(source in load_method("refine", step.method).needs for step in plan.refiners)


def base_provenance(project: Project, plan: Plan, source: ModelShelf) -> Provenance:
    """Return what decides base maps, besides the image: method, inference settings and the model's content."""
    weights = file_digest(checkpoint_of(project, plan, source))
    parents: tuple[Provenance, ...] = ()
    if asks_localizer(plan, source):
        proposing = plan_of_maps(plan)
        facts = json.dumps([plan.every_pixel, *(step.to_dict() for step in proposing.steps)])
        parents = (_proposed_by_maps(base_provenance(project, plan, "localize"), facts),)
    return _base_provenance(source, method_of(plan, source), _parameters(plan, source), weights, parents)


@lru_cache(maxsize=32)
def _base_provenance(
    source: ModelShelf, method: str, parameters: str, weights: str, parents: tuple[Provenance, ...]
) -> Provenance:
    """Return the very same provenance, its key worked out once, for every image of a project."""
    settings = _decisive(_inference(source, parameters))
    return Provenance(f"{source}.{method}", settings, weights=weights, parents=parents)


@lru_cache(maxsize=32)
def _proposed_by_maps(maps: Provenance, facts: str) -> Provenance:
    """Return what decides the proposals of maps that a segmenter's answer is mixed with."""
    every_pixel, *steps = json.loads(facts)
    return Provenance("propose.maps", {"every_pixel": every_pixel, "steps": steps}, parents=(maps,))


def _decisive(settings: Any) -> dict[str, Any]:
    """Return what results of these settings are kept under: what came later counts where it changes something."""
    decisive = {name: value for name, value in to_dict(settings).items() if _LATER.get(name, ...) != value}
    return decisive | {name: before for (name, value), before in _KEPT_AS.items() if decisive.get(name) == value}


def asks_localizer(plan: Plan, source: ModelShelf) -> bool:
    """Return True when the applied segmenter answers together with what the applied localizer's maps propose."""
    if source != "segment" or not plan.localizer_checkpoint:
        return False
    return declared("segment", method_of(plan, source), "keeps_maps") == "True"


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, read again only when its time or size changed."""
    facts = path.stat()
    return _digest(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=8)
def _digest(path: Path, changed: int, size: int) -> str:
    return content_hash(path)


def saliency_path(project: Project, plan: Plan, image_id: str) -> Path:
    """Return the saliency picture of an image; raise `StepError` when no folder is chosen or it has none."""
    if not plan.saliency_folder:
        NOTHING.saliency()
    return saliency_file(project.folder / plan.saliency_folder, image_id)


def _asked_for(project: Project, plan: Plan, source: BaseShelf, image_id: str, refiner: Any) -> Iterator[Provenance]:
    """Yield what decides a refiner's result besides the maps it is given."""
    if "features" in refiner.needs and source != "localize":
        yield base_provenance(project, plan, "localize")
    if "saliency" in refiner.needs and plan.saliency_folder:
        yield Provenance("saliency.folder", {}, weights=file_digest(saliency_path(project, plan, image_id)))
    elif "saliency" in refiner.needs:
        if not plan.saliency_checkpoint:
            NOTHING.saliency()
        yield base_provenance(project, plan, "saliency")
    if "affinity" in refiner.needs:
        if not plan.affinity_checkpoint:
            NOTHING.affinity()
        yield base_provenance(project, plan, "affinity")
