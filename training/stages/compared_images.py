"""Which images two models are compared on, and what is known of them: what a person said, held-out images first.

A model is taught by masks, not by the labels of images: a classifier's images count as held out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.plan import Plan
from napari_wsss.pipeline.applied_history import CHECKPOINTS, base_field
from napari_wsss.pipeline.lineage import asks_localizer, is_asked
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from training.data.pictures import training_records
from training.pixel_learner.examples import Example, example_of
from training.run_folder import RunFolder
from training.scoring.verdict import FEWEST, Basis

TAUGHT = ("images", "accepted", "proposed", "labelled")
"""Entries of ``run.json`` under which recipes keep the images whose masks they learned from."""


@dataclass(frozen=True)
class Chosen:
    """The images that are compared.

    Parameters
    ----------
    examples : tuple of Example
    taught : frozenset of str
        Images that taught one of the models.
    by_machine : float in [0, 1]
        Share of the known pixels that a person accepted as a machine had drawn them.
    """

    examples: tuple[Example, ...]
    taught: frozenset[str]
    by_machine: float = 0.0

    def basis(self, ids: Iterable[str]) -> Basis:
        """Return what a comparison on these of the images stands on."""
        used = set(ids)
        whole = sum(one.whole for one in self.examples if one.image_id in used)
        return Basis(len(used), len(used - self.taught), whole, self.by_machine)


def chosen_images(project: Project, ids: Sequence[str], most: int, taught: frozenset[str]) -> Chosen:
    """Return at most so many images that a person said something about, every class as evenly as there are some.

    Images that taught a model are taken only when fewer than `FEWEST` others are known.

    Raises
    ------
    ProjectError
        When a person said nothing about any of them, or a mask is damaged.
    """
    records = [project.catalog.get(image_id) for image_id in ids]
    held_out = [record for record in records if record.id not in taught]
    found = _known(project, held_out, most)
    if len(found) < FEWEST and len(held_out) < len(records):
        found = _known(project, records, most)
    if not found:
        raise ProjectError(
            f"Nothing is known about {len(records)} images to compare models on. Accept some masks, best of the val "
            "split, which teaches no model."
        )
    return Chosen(tuple(found), taught, _by_machine(project, found))


def taught_by(project: Project, plan: Plan) -> frozenset[str]:
    """Return the images whose masks or proposals taught a model that gives a plan's proposals.

    The records of the models' runs tell; of a model without one, any image of the training split may have.
    """
    base = base_field(plan)
    asked = [name for name in ("affinity_checkpoint", "saliency_checkpoint") if is_asked(plan, CHECKPOINTS[name])]
    asked += ["localizer_checkpoint"] if asks_localizer(plan, CHECKPOINTS[base]) else []
    paths = [path for name in (base, *asked) if (path := getattr(plan, name))]
    return frozenset().union(*(_taught(project, project.folder / path) for path in paths))


def _taught(project: Project, checkpoint: Path) -> Iterable[str]:
    try:
        record = RunFolder.open(checkpoint.parent).record
    except ProjectError:
        return [one.id for one in training_records(project)]
    if "adopted" in record:
        return ()
    if record.get("recipe") == "classifier":
        from_masks = record.get("config", {}).get("sources", {}).get("labels_from_masks", False)
        return [one.id for one in training_records(project)] if from_masks else ()
    listed = [record[name] for name in TAUGHT if name in record]
    listed += [record["examples"]["training"]] if "examples" in record else []
    return [image_id for ids in listed for image_id in ids] if listed else [one.id for one in training_records(project)]


def _known(project: Project, records: Sequence[ImageRecord], most: int) -> list[Example]:
    """Return what a person said about at most so many images, accepted ones first."""
    accepted = [record for record in records if record.state == "accepted"]
    others = [record for record in records if record.state != "accepted"]
    in_order = (*class_by_class(accepted), *class_by_class(others))
    found = (example_of(project, record) for record in in_order)
    return list(islice((one for one in found if one is not None), most))


def class_by_class(records: Sequence[ImageRecord]) -> Iterator[ImageRecord]:
    """Yield every record once: one of each class in turn, the rarest class first, those without labels among them."""
    groups: dict[str, list[ImageRecord]] = {}
    for record in records:
        for name in record.labels or {""}:
            groups.setdefault(name, []).append(record)
    queues = [iter(groups[name]) for name in sorted(groups, key=lambda name: (len(groups[name]), name))]
    seen: set[str] = set()
    while queues:
        for queue in list(queues):
            found = next((one for one in queue if one.id not in seen), None)
            if found is None:
                queues.remove(queue)
                continue
            seen.add(found.id)
            yield found


def _by_machine(project: Project, examples: Iterable[Example]) -> float:
    """Return the share of known pixels that are a machine's, in masks that were accepted."""
    machine = known = 0
    for one in examples:
        accepted = project.masks.accepted(one.image_id) if one.whole else None
        known += int(np.count_nonzero(one.weights))
        machine += int(np.count_nonzero(accepted.sources.machine & (one.weights > 0))) if accepted else 0
    return machine / known if known else 0.0
