from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.progress import finish
from napari_wsss.core.provenance import Provenance
from napari_wsss.project.project import Project
from tests.tiny_project import HEIGHT, IDS, WIDTH
from training.data.pictures import leave_out, training_records, usable_records
from training.data.usable_images import find_unusable
from training.run_folder import RunFolder


@pytest.fixture
def run(project: Project) -> RunFolder:
    return RunFolder.create(project.training_folder, "classifier", Provenance("training.classifier"), {})


def cut(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def test_what_cannot_be_read_is_named_and_nothing_else(project: Project, run: RunFolder) -> None:
    first, second, third, fourth = map(project.image_path, IDS)
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(fourth, quality=95)
    assert finish(find_unusable(project, usable_records(project), run)) == {}
    cut(fourth, 0.6)
    cut(second, 0.7)
    first.unlink()
    found = finish(find_unusable(project, usable_records(project), run))
    assert set(found) == {IDS[0], IDS[1], IDS[3]}
    assert "is not at" in found[IDS[0]] or "cannot be read" in found[IDS[0]]
    assert third.exists()


def test_an_image_that_was_resized_under_its_mask_is_named(project: Project, run: RunFolder) -> None:
    project.review.accept(IDS[0], np.zeros((HEIGHT, WIDTH), np.uint8))
    Image.new("RGB", (WIDTH + 3, HEIGHT)).save(project.image_path(IDS[0]))
    found = finish(find_unusable(project, usable_records(project), run))
    assert list(found) == [IDS[0]]
    assert f"{WIDTH + 3} x {HEIGHT}" in found[IDS[0]]


def test_recipes_get_only_what_is_usable(project: Project) -> None:
    before = {record.id for record in training_records(project)}
    leave_out(project, [IDS[1]])
    assert {record.id for record in training_records(project)} == before - {IDS[1]}
    leave_out(project, [])
    assert {record.id for record in training_records(project)} == before


def test_a_stop_is_not_waited_for(project: Project, run: RunFolder) -> None:
    project.image_path(IDS[0]).unlink()
    run.request_stop()
    assert finish(find_unusable(project, usable_records(project), run)) == {}
