"""Accepted masks and folders of pairs as class-free examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.errors import LabelError
from napari_wsss.project.project import Project
from training.data.image_pairs import ImagePairs
from training.data.saliency_examples import AcceptedExamples, chosen_examples
from training.run_folder import RunFolder
from training.sources import SaliencySources


@pytest.fixture
def project(project_folder: Path) -> Project:
    with Project.open(project_folder) as opened:
        yield opened


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    (tmp_path / "run").mkdir()
    return RunFolder(tmp_path / "run", {})


def pairs_folder(folder: Path, count: int) -> Path:
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(folder / "images" / f"{number}.png")
        Image.fromarray(np.full((40, 40), 255, np.uint8)).save(folder / "masks" / f"{number}.png")
    return folder


def test_every_class_is_something_and_255_is_ignored(project: Project) -> None:
    chosen = next(iter(project.catalog.ids(states=["accepted"])))
    values = np.zeros_like(project.masks.read_accepted(chosen))
    values[0], values[1], values[2] = 1, 2, 255
    project.review.accept(chosen, values)

    examples = AcceptedExamples(project, 1024)

    assert [int(examples.mask(chosen)[row, 0]) for row in range(4)] == [255, 255, 0, 0]
    assert [int(examples.known(chosen)[row, 0]) for row in range(4)] == [255, 255, 0, 255]
    assert examples.image(chosen).shape[:2] == values.shape


def test_accepted_images_train_and_held_out_ones_do_not(project: Project, run: RunFolder) -> None:
    found = chosen_examples(project, SaliencySources(), 0, run)

    assert set(found.training) == set(project.catalog.ids(states=["accepted"], split="train"))
    assert set(found.held_out) == set(project.catalog.ids(states=["accepted"], split="val"))


def test_what_is_accepted_later_does_not_change_a_run(project: Project, run: RunFolder) -> None:
    first = chosen_examples(project, SaliencySources(), 0, run)
    project.review.decide(first.training[0], "excluded")

    assert chosen_examples(project, SaliencySources(), 0, run).training == first.training


def test_a_share_of_the_pairs_is_held_out(project: Project, run: RunFolder, tmp_path: Path) -> None:
    sources = SaliencySources(pairs=str(pairs_folder(tmp_path / "pairs", 10)), held_out=0.3)

    found = chosen_examples(project, sources, 0, run)

    assert isinstance(found.examples, ImagePairs)
    assert (len(found.training), len(found.held_out)) == (7, 3)
    assert not set(found.training) & set(found.held_out)


def test_a_list_of_test_pairs_goes_before_the_share(project: Project, run: RunFolder, tmp_path: Path) -> None:
    folder = pairs_folder(tmp_path / "pairs", 4)
    (folder / "test.txt").write_text("2\n3\n")

    found = chosen_examples(project, SaliencySources(pairs=str(folder), held_out=0.25), 0, run)

    assert (found.training, found.held_out) == (("0", "1"), ("2", "3"))


def test_nothing_to_learn_from_is_bad_data(project: Project, run: RunFolder) -> None:
    for image_id in list(project.catalog.ids(states=["accepted"])):
        project.review.decide(image_id, "excluded")

    with pytest.raises(LabelError, match="--pairs"):
        chosen_examples(project, SaliencySources(), 0, run)
