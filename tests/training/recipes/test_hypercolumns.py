import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.errors import LabelError
from napari_wsss.core.masks import read_mask
from napari_wsss.core.progress import finish
from napari_wsss.core.scribbles import scribble_value
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import write_scribbles
from napari_wsss.segment.base import Segmenter
from napari_wsss.weights.checkpoint import load_checkpoint
from training.config import RunConfig, module_of
from training.data.affinity_data import label_path
from training.execute import begin, continued
from training.recipes import hypercolumns
from training.recipes.hypercolumns import TEACHER, student_of, teacher_config, train

Make = Callable[..., RunConfig]


@pytest.fixture(autouse=True)
def _quick_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the teacher fitted in few steps: how well it answers is no matter of the recipe."""

    def quick(config: RunConfig) -> RunConfig:
        found = teacher_config(config)
        return replace(found, optimisation=replace(found.optimisation, iterations=20))

    monkeypatch.setattr(hypercolumns, "teacher_config", quick)


@pytest.fixture
def config(tiny_config: Make) -> RunConfig:
    return tiny_config("segmentation", method="hypercolumns", optimisation={"iterations": 4, "batch_size": 2})


def test_it_is_the_recipe_of_its_method(config: RunConfig) -> None:
    assert module_of(config.recipe, config.method) == "hypercolumns"


def test_masks_and_marks_are_learned_from_and_the_trunk_changes(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder, read_only=True) as project:
        run = begin(project, config)
        outcome = finish(train(project, config, run))
        assert outcome.finished
        assert 0 <= outcome.figures["miou"] <= 1
        assert run.record["learned_from"] == {"whole": 2, "parts": 0}
        assert len(run.record["accepted"]) == 2
        others = [i for i in project.catalog.ids(split="train") if project.catalog.state(i) != "accepted"]
        assert run.record["proposed"] == [i for i in others if project.catalog.get(i).labels]
        teacher, _, _ = Segmenter.restore(run.path / TEACHER, "cpu")
        for image_id in run.record["proposed"]:
            labels = project.classes.indices(project.catalog.get(image_id).labels)
            unshown = {IGNORE} if any(not teacher.was_shown(k) for k in labels) else set()
            assert set(np.unique(read_mask(label_path(run, image_id)))) <= {0, *(k + 1 for k in labels)} | unshown
        found, classes, _ = Segmenter.restore(run.path / "best.safetensors", "cpu")
        assert classes == project.classes
    assert found.enlargement == teacher.enlargement > 1
    same = [torch.equal(*pair) for pair in zip(found.trunk.parameters(), teacher.trunk.parameters(), strict=True)]
    assert not all(same)


def test_the_student_starts_with_the_answers_of_its_teacher(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder, read_only=True) as project:
        chosen = teacher_config(config)
        assert (chosen.method, chosen.optimisation.batch_size) == ("pixel_classifier", 2048)
        teacher = Segmenter.build(chosen.method, chosen.network.choice(), {"enlargement": 2.0}, class_count=4)
        student = student_of(teacher.eval(), project, config).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(student.segment(images), teacher.segment(images))


def test_what_was_clicked_stays_in_the_marks(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder) as project:
        clicked = next(i for i in project.catalog.ids(split="train") if project.catalog.state(i) != "accepted")
        scribbles = np.zeros(project.load_image(clicked).pixels.shape[:2], np.uint8)
        labelled = project.classes.indices(project.catalog.get(clicked).labels)[0] + 1
        scribbles[:8, ::2] = scribble_value(BACKGROUND, project.classes)
        scribbles[:8, 1::2] = scribble_value(labelled, project.classes)  # stripes that nobody would see there
        write_scribbles(project, clicked, scribbles)
        run = begin(project, config)
        finish(train(project, config, run))
        assert run.record["learned_from"] == {"whole": 2, "parts": 1}
    marked = read_mask(label_path(run, clicked))[:8]
    assert (marked[:, ::2] == BACKGROUND).all()
    assert (marked[:, 1::2] == labelled).all()


def test_resuming_equals_never_stopping(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder, read_only=True) as project:
        whole = begin(project, config)
        finish(train(project, config, whole))
        run = begin(project, config)
        steps = train(project, config, run)
        for progress in steps:
            if progress.stage == "segmentation" and progress.done == 2:
                run.request_stop()
                break
        assert not finish(steps).finished
        config, again = continued(project, run.path)
        assert finish(train(project, config, again)).finished
        expected = load_checkpoint(whole.path / "last.safetensors")[0]
        found = load_checkpoint(again.path / "last.safetensors")[0]
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name


def test_a_stop_before_the_first_step_is_obeyed(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder, read_only=True) as project:
        run = begin(project, config)
        steps = train(project, config, run)
        next(steps)
        run.request_stop()
        assert not finish(steps).finished
        assert "proposed" not in run.record
        assert finish(train(project, config, run)).finished


def test_nothing_given_is_said(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder) as project:
        for image_id in list(project.catalog.ids(states=["accepted"])):
            project.review.decide(image_id, "excluded")
        with pytest.raises(LabelError, match="Nobody has said anything"):
            finish(train(project, config, begin(project, config)))


def test_images_that_cannot_be_read_are_left_out_and_named(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder) as project:
        states = {image_id: project.catalog.state(image_id) for image_id in project.catalog.ids(split="train")}
        accepted = next(image_id for image_id, state in states.items() if state == "accepted")
        shutil.rmtree(project.folder / "backups")  # which has copies of accepted masks
        project.masks.accepted_path(accepted).write_bytes(b"no picture")
        run, said = begin(project, config), []
        assert finish(train(project, config, run), lambda progress: said.append(progress.message)).finished
    assert list(run.record["left_out"]) == [accepted]
    assert accepted not in run.record["accepted"]
    assert any(line.startswith(f"{accepted} is left out: ") for line in said)
