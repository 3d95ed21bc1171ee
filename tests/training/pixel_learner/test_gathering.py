from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_wsss.core.errors import LabelError
from napari_wsss.core.progress import finish
from napari_wsss.core.scribbles import scribble_value
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.pipeline.learner.tap_features import ProjectFeatures
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import write_scribbles
from napari_wsss.segment.base import Segmenter
from tests.tiny_project import IDS
from training.pixel_learner.doubts import WEIGHT
from training.pixel_learner.gathering import Gathering
from training.pixel_learner.pseudo_labels import Confidence
from training.sources import PixelClassifierSources


def gathering(project: Project, **sources: object) -> Gathering:
    torch.manual_seed(0)
    classifier = Segmenter.build("pixel_classifier", TrunkChoice(width=1 / 16), {"enlargement": 8.0}, class_count=3)
    features = ProjectFeatures(project, classifier)
    return Gathering(project, features, classifier, PixelClassifierSources(**sources), seed=0)


def halves(value: int) -> np.ndarray:
    values = np.zeros((6, 8), np.uint8)
    values[:, 4:] = value
    return values


def test_every_image_that_said_something_gives_its_cells(project: Project) -> None:
    project.review.accept(IDS[0], halves(2))
    project.review.save_draft(IDS[1], halves(1))
    found = gathering(project)

    assert finish(found.gather(found.ids())) == 2
    assert found.counts() == {"whole": 1, "parts": 1}
    assert found.cells().shown.tolist() == [True, True, True, False]
    assert found.partly_known() == [IDS[1]]


def test_what_is_taken_back_is_forgotten(project: Project) -> None:
    project.review.accept(IDS[0], halves(1))
    found = gathering(project)
    assert found.gather_one(IDS[0])
    project.review.undo()
    assert not found.gather_one(IDS[0])
    with pytest.raises(LabelError, match="Nobody has said anything"):
        found.cells()


def test_held_out_excluded_and_surplus_images_do_not_teach(project: Project) -> None:
    for image_id in IDS[:3]:
        project.review.accept(image_id, halves(1))
    project.review.decide(IDS[3], "excluded")
    assert gathering(project).ids() == list(IDS[:3])
    assert gathering(project, accepted_limit=1).ids() == [IDS[0]]


def test_the_cells_of_an_image_do_not_depend_on_other_images(project: Project) -> None:
    for image_id in IDS[:2]:
        project.review.accept(image_id, halves(1))
    both, one = gathering(project), gathering(project)
    finish(both.gather(IDS[:2]))
    finish(one.gather([IDS[1]]))
    both.forget([IDS[0]])
    assert torch.equal(both.cells().rows, one.cells().rows)


def test_marking_adds_to_what_was_said(project: Project) -> None:
    project.review.accept(IDS[0], halves(1))
    scribbles = np.zeros((6, 8), np.uint8)
    scribbles[3, 3] = 1
    write_scribbles(project, IDS[1], scribbles)
    found = gathering(project)
    finish(found.gather(found.ids()))
    before = len(found.cells())

    finish(found.mark(found.partly_known(), Confidence(least=0.0, weight=0.25)))

    assert len(found.cells()) == before
    both = found.cells(pseudo=True)
    assert len(both) > before
    assert {0.25, 1.0} <= set(both.weights.unique().tolist())


def clicked_in(project: Project, image_id: str, *values: int) -> None:
    """Click in an image: on background (0) or a class, one pixel each."""
    scribbles = np.zeros((6, 8), np.uint8)
    for at, value in enumerate(values):
        scribbles[2 * at, 3] = scribble_value(value, project.classes)
    write_scribbles(project, image_id, scribbles)


def test_what_nobody_clicked_on_counts_a_little_as_background(project: Project) -> None:
    clicked_in(project, IDS[1], 0, 1)
    project.review.accept(IDS[0], halves(1))
    found = gathering(project, reach=0.0, unlabelled_share=0.25)
    finish(found.gather(found.ids()))
    given = found.cells()
    both = found.with_unlabelled(given)

    assert len(found.with_unlabelled(given, but=[IDS[1]])) == len(given)  # nor is there anything of an accepted image
    rest = both.weights[len(given) :]
    said = found.cells(but=[IDS[0]]).weights.sum()
    assert float(rest.sum()) == pytest.approx(0.25 * float(said))
    assert (both.targets[len(given) :, 0] == 1).all()
    assert torch.equal(both.rows[: len(given)], given.rows)


@pytest.mark.parametrize("case", ["no share", "no background", "every pixel"])
def test_where_there_is_no_background_nothing_counts_as_such(project: Project, case: str) -> None:
    clicked_in(project, IDS[0], *((1, 2) if case == "no background" else (0, 1)))
    if case == "every pixel":
        project.set_plan(replace(project.plan, every_pixel=True))
    found = gathering(project, reach=0.0, unlabelled_share=0.0 if case == "no share" else 0.25)
    finish(found.gather(found.ids()))
    given = found.cells()
    assert len(found.with_unlabelled(given)) == len(given)


def test_what_is_doubted_counts_less_until_something_else_is_said(project: Project) -> None:
    for image_id in IDS[:2]:
        clicked_in(project, image_id, 0, 1)
    found = gathering(project)
    finish(found.gather(IDS[:2]))
    whole, where = found.cells(), found.example(IDS[0]).values == 1

    found.doubt({IDS[0]: where, IDS[1]: np.zeros_like(where)})

    assert found.doubted == (IDS[0],)
    assert (found.example(IDS[0]).weights[where] == WEIGHT).all()
    assert (found.said(IDS[0]).weights[where] == 1).all()
    assert torch.equal(found.cells().rows, whole.rows)
    assert found.cells().weights.sum() < whole.weights.sum()
    clicked_in(project, IDS[0], 0, 1)
    found.gather_one(IDS[0])
    assert found.doubted == ()
    assert torch.equal(found.cells().weights, whole.weights)


def test_doubts_are_lifted_by_the_next_ones(project: Project) -> None:
    for image_id in IDS[:2]:
        clicked_in(project, image_id, 0, 1)
    found = gathering(project)
    finish(found.gather(IDS[:2]))
    whole = found.cells()
    found.doubt({IDS[0]: found.example(IDS[0]).values == 1})
    found.doubt({})
    assert torch.equal(found.cells().weights, whole.weights)
