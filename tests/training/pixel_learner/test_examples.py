from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.scribbles import BACKGROUND_SCRIBBLE
from napari_wsss.core.sources import FIRST_MACHINE, PERSON, Source, Sources
from napari_wsss.project.journal import BATCH
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import write_scribbles
from tests.tiny_project import HEIGHT, IDS, WIDTH
from training.pixel_learner.examples import Example, Trust, example_of, unlabelled
from training.sources import PixelClassifierSources

ID = IDS[0]  # a cat and a dog
CAT, DOG, BOAR = 1, 2, 3


def given(project: Project, trust: Trust | None = None, image_id: str = ID) -> Example | None:
    return example_of(project, project.catalog.get(image_id), trust or Trust())


def halves(value: int) -> np.ndarray:
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[:, : WIDTH // 2] = value
    return values


def test_nothing_said_is_no_example(project: Project) -> None:
    assert given(project) is None


def test_an_accepted_mask_says_everything_but_255_and_classes_that_are_no_label(
    project: Project, mask: np.ndarray
) -> None:
    project.review.accept(ID, mask)  # cat, boar (no label) and ignore
    found = given(project)
    assert found is not None
    assert found.whole
    assert found.labels == (0, 1)
    assert found.shown == {0, CAT}
    assert (found.weights[mask == BOAR] == 0).all()
    assert (found.weights[mask == 255] == 0).all()
    assert (found.weights[mask <= CAT] == 1).all()


def test_an_imported_mask_teaches_once_it_is_accepted(project: Project) -> None:
    imported = Sources.uniform((HEIGHT, WIDTH), Source("imported", method="cvat"))
    project.review.save_draft(ID, halves(CAT), sources=imported)
    assert given(project) is None
    project.review.accept(ID, halves(CAT), sources=imported)
    accepted = given(project, Trust(machine=0.25))
    assert accepted is not None
    assert (accepted.weights == 1).all()


def test_a_machines_pixels_count_less_where_accepted_and_nothing_in_a_draft(project: Project) -> None:
    sources = Sources(np.full((HEIGHT, WIDTH), FIRST_MACHINE, np.uint8), (Source("proposal", method="cam"),))
    sources.values[0] = PERSON
    project.review.save_draft(ID, halves(CAT), sources=sources)
    draft = given(project)
    assert draft is not None
    assert not draft.whole
    assert (draft.weights > 0).sum() == WIDTH

    project.review.accept(ID, halves(CAT), sources=sources)
    accepted = given(project, Trust(machine=0.25))
    assert accepted is not None
    assert (accepted.weights[0] == 1).all()
    assert (accepted.weights[1:] == 0.25).all()


def test_what_was_accepted_in_a_batch_has_a_weight_of_its_own_until_it_is_accepted_by_itself(project: Project) -> None:
    machine = Sources.uniform((HEIGHT, WIDTH), Source("proposal", method="cam"))
    project.review.accept(ID, halves(CAT), {BATCH: "cat/1"}, machine)
    trust = Trust(machine=0.75, batch=0.25)
    found = given(project, trust)
    assert found is not None
    assert found.whole
    assert (found.weights == 0.25).all()

    by_whom = machine.values.copy()
    by_whom[0] = PERSON  # corrected afterwards
    project.review.accept(ID, halves(CAT), sources=replace(machine, values=by_whom))
    found = given(project, trust)
    assert found is not None
    assert (found.weights[0] == 1).all()
    assert (found.weights[1:] == 0.75).all()
    project.review.undo()
    assert (given(project, trust).weights == 0.25).all()  # type: ignore[union-attr]


def test_a_label_taken_away_teaches_nothing_more_though_the_mask_stays(project: Project) -> None:
    project.review.accept(ID, halves(CAT))
    project.set_labels(ID, ("dog",))
    found = given(project)
    assert found is not None
    assert found.labels == (1,)
    assert found.shown == {0}
    assert (found.weights == (halves(CAT) == 0)).all()


def test_a_configuration_trusts_a_batch_like_any_other_machine() -> None:
    sources = PixelClassifierSources(machine_weight=0.3, accepted_machine_weight=0.9, reach=0.1)
    assert Trust.of(sources) == Trust(machine=0.9, reach=0.1, batch=0.3)


def test_accepting_says_background_where_nobody_drew(project: Project) -> None:
    sources = Sources(np.where(halves(CAT) == CAT, PERSON, 0).astype(np.uint8))
    project.review.accept(ID, halves(CAT), sources=sources)
    found = given(project)
    assert found is not None
    assert (found.weights == 1).all()


def test_scribbles_and_clicks_teach_also_background(project: Project) -> None:
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[1, 1], values[4, 4], values[5, 5] = DOG, BACKGROUND_SCRIBBLE, BOAR
    write_scribbles(project, ID, values)
    found = given(project)
    assert found is not None
    assert found.shown == {0, DOG}
    assert found.values[1, 1] == DOG
    assert found.values[4, 4] == 0
    assert found.weights.sum() == 2


def test_an_image_labelled_none_is_background_one_that_is_not_labelled_unknown(project: Project) -> None:
    project.set_labels(ID, ())
    assert given(project) is None
    project.set_labels(ID, (), negative=True)
    found = given(project)
    assert found is not None
    assert found.whole
    assert found.labels == ()
    assert found.shown == {0}
    assert (found.weights == 1).all()


def test_scribbles_of_another_size_are_said(project: Project) -> None:
    write_scribbles(project, ID, np.ones((3, 3), np.uint8))
    with pytest.raises(ProjectError, match=r"is \(3, 3\), the image \(6, 8\)"):
        given(project)


def test_reading_changes_no_file(project: Project, mask: np.ndarray) -> None:
    project.review.accept(ID, mask)
    before = {path: path.read_bytes() for path in Path(project.folder).rglob("*.png")}
    given(project)
    assert {path: path.read_bytes() for path in Path(project.folder).rglob("*.png")} == before


def test_a_click_speaks_for_its_neighbours_but_not_against_what_is_known(project: Project) -> None:
    project.review.record_stroke(ID, np.array([1 * WIDTH + 2]), np.array([DOG], np.uint8))
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[1, 1], values[1, 4] = CAT, BACKGROUND_SCRIBBLE
    write_scribbles(project, ID, values)
    found = given(project, Trust(reach=1.0 / WIDTH))
    assert found is not None
    assert found.values[1, 1] == found.values[0, 1] == found.values[1, 0] == CAT
    assert found.values[1, 2] == DOG
    assert found.values[1, 4] == found.values[2, 4] == found.values[1, 3] == 0
    assert (found.weights > 0).sum() == 10


def test_what_is_unlabelled_is_all_the_rest() -> None:
    values = np.asarray([[2, 255], [0, 255]], np.uint8)
    rest = unlabelled(Example("a.png", (1,), values, np.asarray([[1, 0], [0.5, 0]], np.float32)))
    assert rest.values.tolist() == [[255, 0], [255, 0]]
    assert rest.weights.tolist() == [[0, 1], [0, 1]]
    assert rest.labels == (1,)
