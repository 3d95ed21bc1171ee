"""Folders of pictures by class, and batches in which they are mixed with the project's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.project.project import Project
from napari_wsss.weights.normalisation import IMAGENET
from training.augment import Augmentation
from training.data.extra_images import ExtendedData, ExtraImage, extra_images
from training.data.pictures import Pictures, training_records, view_of

VIEW = view_of(Augmentation(crop=48), IMAGENET, seed=0)


@pytest.fixture
def project(project_folder: Path) -> Iterator[Project]:
    with Project.open(project_folder) as opened:
        yield opened


@pytest.fixture
def folder(project: Project, tmp_path: Path) -> Path:
    """Return a folder with one picture of the first class and two of the second."""
    root, source = tmp_path / "simple", project.image_path(next(iter(project.catalog.ids())))
    for name, count in zip(project.classes.names, (1, 2), strict=False):
        (root / name).mkdir(parents=True)
        for number in range(count):
            shutil.copy(source, root / name / f"{number}{source.suffix}")
    return root


def data(project: Project, extras: list[ExtraImage]) -> ExtendedData:
    return ExtendedData(project, Pictures(project, 1024), training_records(project), extras=extras)


def test_every_picture_gets_its_folders_label(project: Project, folder: Path) -> None:
    found = extra_images(str(folder), project.classes, 0.5)

    first, second = project.classes.names[:2]
    assert [extra.label for extra in found] == [first, second, second]
    assert all(extra.path.is_file() and extra.weight == 0.5 for extra in found)


def test_no_folder_gives_none() -> None:
    assert extra_images("", ClassList("ab")) == []


def test_a_folder_of_another_name_is_refused_naming_the_classes(folder: Path, project: Project) -> None:
    (folder / "zebra-like").mkdir()

    with pytest.raises(LabelError, match=f"zebra-like.*{project.classes.names[0]}"):
        extra_images(str(folder), project.classes)


def test_an_empty_or_missing_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    with pytest.raises(LabelError, match=r"no picture.*a, b"):
        extra_images(str(tmp_path), ClassList("ab"))
    with pytest.raises(ProjectError, match="not a folder"):
        extra_images(str(tmp_path / "x"), ClassList("ab"))


def test_they_are_mixed_into_the_order_and_weigh_what_they_should(project: Project, folder: Path) -> None:
    mixed = data(project, extra_images(str(folder), project.classes, 0.25))
    order = mixed.order(3, seed=0, companions=2)
    inside, seen = len(mixed.records), set[int]()
    for step in range(3 * order.steps_per_epoch):
        batch = mixed.batch(step, order, VIEW)
        chosen = order.batch(step)
        seen |= set(chosen.tolist())
        assert batch.images.shape == (len(chosen), 3, 48, 48)
        assert batch.weights is not None
        np.testing.assert_array_equal(batch.weights, np.where(chosen < inside, 1.0, 0.25).astype(np.float32))
        outside = batch.labels[chosen >= inside]
        assert (outside.sum(1) == 1).all()

    assert seen == set(range(inside + 3))


def test_without_any_it_is_the_plain_data(project: Project) -> None:
    plain = data(project, [])
    order = plain.order(2, seed=0, companions=1)

    assert plain.batch(0, order, VIEW).weights is None


def test_an_order_without_companions_has_them_too(project: Project, folder: Path) -> None:
    mixed = data(project, extra_images(str(folder), project.classes))
    order = mixed.order(1, seed=0)

    assert {int(order.batch(step)[0]) for step in range(order.steps_per_epoch)} == set(range(len(mixed.records) + 3))
