"""Which images two models are compared on, and what is known of them: what a person said, held-out images first.

A model is taught by masks, not by the labels of images: a classifier's images count as held out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from napari_wsss.core.errors import ProjectError, WsssError
from napari_wsss.core.files import mapping
from napari_wsss.core.plan import Plan
from napari_wsss.pipeline.apply import CHECKPOINTS, base_field
from napari_wsss.pipeline.lineage import asks_localizer, is_asked
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from training.data.pictures import training_records
from training.pixel_learner.examples import Example, example_of
from training.run_folder import RunFolder
from training.scoring.verdict import FEWEST, Basis

TAUGHT = ("images", "accepted", "proposed", "labelled")
"""Entries of ``run.json`` under which recipes keep the images whose masks they learned from."""


class Known(NamedTuple):
    """What a person said about images, and why others could not be read, by id."""

    examples: list[Example]
    left_out: dict[str, str]


def chosen_images(project: Project, ids: Sequence[str], most: int, taught: frozenset[str]) -> Known:
    """Return what a person said about at most so many images, of every class as evenly as there are some.

    Images that taught a model are taken only when fewer than `FEWEST` others are known.

    Raises
    ------
    ProjectError
        When a person said nothing about any of them.
    """
    records = [project.catalog.get(image_id) for image_id in ids]
    held_out = [record for record in records if record.id not in taught]
    found = _known(project, held_out, most)
    if len(found.examples) < FEWEST and len(held_out) < len(records):
        found = _known(project, records, most)
    if not found.examples:
        raise ProjectError(
            f"Nothing is known about {len(records)} images to compare models on. Accept some masks, best of the val "
            "split, which teaches no model."
        )
    return found


def basis_of(project: Project, examples: Sequence[Example], taught: frozenset[str], plans: tuple[Plan, Plan]) -> Basis:
    """Return what a comparison of two plans, the candidate first, on these images stands on."""
    whole = [one for one in examples if one.whole]
    held_out = sum(one.image_id not in taught for one in examples)
    # Of two chains on one model the earlier one, which is the present one here, proposed what was accepted.
    candidate, present = (getattr(plan, base_field(plan)) for plan in plans)
    drawn = _drawn_by(project, whole)
    known = sum(int(np.count_nonzero(one.weights)) for one in examples)
    shares = {checkpoint: pixels / known for checkpoint, pixels in drawn.items()}
    by_candidate = shares.get(candidate, 0.0) if candidate != present else 0.0
    return Basis(len(examples), held_out, len(whole), by_candidate, shares.get(present, 0.0))


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
        from_masks = mapping(mapping(record, "config"), "sources").get("labels_from_masks", False)
        return [one.id for one in training_records(project)] if from_masks else ()
    listed = [record[name] for name in TAUGHT if name in record]
    listed += [record["examples"]["training"]] if "examples" in record else []
    return [image_id for ids in listed for image_id in ids] if listed else [one.id for one in training_records(project)]


def _known(project: Project, records: Sequence[ImageRecord], most: int) -> Known:
    """Return what a person said about at most so many images, accepted ones first."""
    accepted = [record for record in records if record.state == "accepted"]
    others = [record for record in records if record.state != "accepted"]
    examples, left_out = list[Example](), dict[str, str]()
    for record in (*class_by_class(accepted), *class_by_class(others)):
        try:
            example = example_of(project, record)
        except (WsssError, OSError) as reason:
            left_out[record.id] = str(reason)
            continue
        examples += [example] if example is not None else []
        if len(examples) == most:
            break
    return Known(examples, left_out)


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


def _drawn_by(project: Project, examples: Iterable[Example]) -> Counter[str]:
    """Return how many known pixels of accepted masks are as the proposals of each model's file had them."""
    found: Counter[str] = Counter()
    for one in examples:
        accepted = project.masks.accepted(one.image_id)
        if accepted is None:  # labelled with nothing, which is a person's word
            continue
        counts = np.bincount(accepted.sources.values[one.weights > 0])
        for value in np.flatnonzero(counts):
            if (source := accepted.sources.source_of(int(value))) is not None:
                found[source.checkpoint] += int(counts[value])
    return found
