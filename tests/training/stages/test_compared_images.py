from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.sources import Source, Sources
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from tests.tiny_project import HEIGHT, IDS, WIDTH, put_split
from training.scoring.verdict import FEWEST
from training.stages import compared_images as module
from training.stages.compared_images import basis_of, chosen_images, class_by_class, taught_by

ALL = frozenset(IDS)


def accept(project: Project, *ids: str, sources: Sources | None = None) -> None:
    for image_id in ids:
        values = np.zeros((HEIGHT, WIDTH), np.uint8)
        values[:3] = 1
        project.review.accept(image_id, values, sources=sources)


def record(name: str, *labels: str) -> ImageRecord:
    return ImageRecord(name, name, frozenset(labels), "todo")


def run(project: Project, **facts: Any) -> str:
    """Write a run's record and return its checkpoint relative to the project."""
    folder = project.folder / "training" / f"run-{len(list(project.folder.glob('training/*')))}"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(facts))
    return (folder / "best.safetensors").relative_to(project.folder).as_posix()


def test_every_class_gets_its_turn_the_rarest_first() -> None:
    cats = [record(f"cat {number}", "cat") for number in range(5)]
    rare = record("both", "cat", "dog")
    order = [one.id for one in class_by_class([*cats, rare, record("none")])]
    assert order[:3] == ["both", "none", "cat 0"] or order[:3] == ["none", "both", "cat 0"]
    assert sorted(order) == sorted(one.id for one in (*cats, rare, record("none")))


def test_images_that_taught_a_model_are_left_out_where_there_are_enough_others(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(project, *IDS[:3])
    taught = frozenset({IDS[0]})
    few, _ = chosen_images(project, IDS, 10, taught)
    assert {one.image_id for one in few} == set(IDS[:3]), "too few to be choosy"
    basis = basis_of(project, few, taught, (Plan(), Plan()))
    assert (basis.images, basis.held_out, basis.whole) == (3, 2, 3)
    assert not basis.may_prefer_candidate
    assert FEWEST > 2
    monkeypatch.setattr(module, "FEWEST", 2)
    enough, _ = chosen_images(project, IDS, 10, taught)
    assert {one.image_id for one in enough} == set(IDS[1:3])
    assert len(chosen_images(project, IDS, 1, taught).examples) == 1


def test_masks_go_before_what_is_known_in_part(project: Project) -> None:
    accept(project, IDS[3])
    for image_id in IDS[:2]:
        drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
        drawn[0, 0] = 1
        project.review.save_draft(image_id, drawn)
    found, _ = chosen_images(project, IDS, 2, frozenset())
    assert found[0].image_id == IDS[3]
    assert [one.whole for one in found] == [True, False]


def test_how_much_each_sides_model_had_proposed_is_known(project: Project) -> None:
    ours, theirs = (Plan(localizer_checkpoint=f"training/{name}/best.safetensors") for name in ("new", "old"))
    proposed = Sources.uniform((HEIGHT, WIDTH), Source("proposal", checkpoint=theirs.localizer_checkpoint))
    accept(project, IDS[1], sources=proposed)
    accept(project, IDS[2])
    found, _ = chosen_images(project, IDS, 10, frozenset())
    basis = basis_of(project, found, frozenset(), (ours, theirs))
    assert (basis.by_candidate, basis.by_present) == (0.0, 0.5)
    other_way = basis_of(project, found, frozenset(), (theirs, ours))
    assert (other_way.by_candidate, other_way.by_present) == (0.5, 0.0)
    chains = basis_of(project, found, frozenset(), (theirs, theirs))
    assert (chains.by_candidate, chains.by_present) == (0.0, 0.5), "the chain before the change proposed it"


def test_a_damaged_mask_is_named_and_stops_nothing(project: Project) -> None:
    accept(project, *IDS[:2])
    shutil.rmtree(project.folder / "backups")  # which has copies of accepted masks
    project.masks.accepted_path(IDS[0]).write_bytes(b"no picture")
    found = chosen_images(project, IDS, 10, frozenset())
    assert [one.image_id for one in found.examples] == [IDS[1]]
    assert list(found.left_out) == [IDS[0]]
    assert "cannot be read" in found.left_out[IDS[0]]


def test_without_anything_known_it_says_what_to_do(project: Project) -> None:
    with pytest.raises(ProjectError, match="Accept some masks"):
        chosen_images(project, IDS, 10, frozenset())


@pytest.mark.parametrize(
    ("facts", "taught"),
    [
        ({"recipe": "segmentation", "images": [IDS[0], IDS[1]]}, {IDS[0], IDS[1]}),
        ({"recipe": "segmentation", "accepted": [IDS[0]], "proposed": [IDS[2]]}, {IDS[0], IDS[2]}),
        ({"recipe": "segmentation"}, set(IDS[:3])),
        ({"recipe": "segmentation", "adopted": {"file": "x.pth"}}, set()),
        ({"recipe": "classifier"}, set()),
        ({"recipe": "classifier", "config": {"sources": {"labels_from_masks": True}}}, set(IDS[:3])),
    ],
)
def test_what_taught_a_model_is_in_its_record(project: Project, facts: dict[str, Any], taught: set[str]) -> None:
    put_split(project, IDS[3], "val")
    plan = Plan(segmenter=Step("deeplab_v3"), segmenter_checkpoint=run(project, **facts))
    assert taught_by(project, plan) == taught


def test_of_a_model_without_a_record_any_training_image_may_have_taught_it(project: Project) -> None:
    put_split(project, IDS[3], "val")
    assert taught_by(project, Plan(localizer_checkpoint="elsewhere/net.safetensors")) == set(IDS[:3])


def test_every_model_that_proposals_depend_on_counts(project: Project) -> None:
    affinity = run(project, recipe="affinity", labelled=[IDS[1]])
    saliency = run(project, recipe="saliency", examples={"training": [IDS[2]], "held_out": []})
    localizer = run(project, recipe="classifier")
    plan = Plan(localizer_checkpoint=localizer, affinity_checkpoint=affinity, saliency_checkpoint=saliency)
    assert taught_by(project, plan) == set(), "no refiner asks for them"
    walking = replace(plan, refiners=(Step("saliency_background"), Step("random_walk")))
    assert taught_by(project, walking) == {IDS[1], IDS[2]}
    segmenter = run(project, recipe="segmentation", images=[IDS[0]])
    from_masks = run(project, recipe="classifier", config={"sources": {"labels_from_masks": True}})
    beside = Plan(segmenter_checkpoint=segmenter, localizer_checkpoint=from_masks)
    assert taught_by(project, replace(beside, segmenter=Step("deeplab_v3"))) == {IDS[0]}
    assert taught_by(project, replace(beside, segmenter=Step("pixel_classifier"))) == ALL, "it leaves classes to maps"
