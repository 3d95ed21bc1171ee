"""Saliency maps of a project against true masks, and as files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import finish
from napari_wsss.project.project import Project
from training.scoring.left_out import LeftOut
from training.scoring.saliency_scoring import SaliencyMaps, tally_saliency, write_saliency
from training.scoring.scoring import TrueMasks


@pytest.fixture
def project(project_folder: Path) -> Project:
    with Project.open(project_folder) as opened:
        yield opened


def with_folder(project: Project, folder: Path) -> list[str]:
    """Give the project a folder of saliency: bright right halves."""
    ids = list(project.catalog.ids())
    for image_id in ids:
        values = np.zeros(project.load_image(image_id).pixels.shape[:2], np.float32)
        values[:, values.shape[1] // 2 :] = 1
        write_saliency(folder / Path(image_id).with_suffix(".png"), values)
    project.set_plan(replace(project.plan, saliency_folder=str(folder)))
    return ids


def test_the_truth_is_perfect_and_images_without_one_do_not_count(project: Project, tmp_path: Path) -> None:
    ids = with_folder(project, tmp_path / "maps")
    first = Path(ids[0]).with_suffix(".png")
    (tmp_path / "truth" / first).parent.mkdir(parents=True)
    (tmp_path / "truth" / first).write_bytes((tmp_path / "maps" / first).read_bytes())

    tally = finish(tally_saliency(ids, SaliencyMaps(project), TrueMasks(tmp_path / "truth"), None, LeftOut()))

    assert tally.images == 1
    assert tally.figures()["mean_absolute_error"] == 0


def test_maps_are_written_as_they_are(project: Project, tmp_path: Path) -> None:
    ids = with_folder(project, tmp_path / "maps")

    finish(tally_saliency(ids, SaliencyMaps(project), None, tmp_path / "again", LeftOut()))

    for image_id in ids:
        name = Path(image_id).with_suffix(".png")
        with Image.open(tmp_path / "maps" / name) as one, Image.open(tmp_path / "again" / name) as other:
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_a_truth_of_another_size_is_named(project: Project, tmp_path: Path) -> None:
    ids = with_folder(project, tmp_path / "maps")
    write_saliency(tmp_path / "truth" / Path(ids[0]).with_suffix(".png"), np.ones((3, 4), np.float32))

    left_out = LeftOut()
    tally = finish(tally_saliency(ids, SaliencyMaps(project), TrueMasks(tmp_path / "truth"), None, left_out))
    assert list(left_out) == ids[:1]
    assert "(3, 4)" in left_out[ids[0]]
    assert tally.images == 0


def test_without_folder_and_model_it_says_so(project: Project) -> None:
    with pytest.raises(StepError, match="saliency map"):
        SaliencyMaps(project)
