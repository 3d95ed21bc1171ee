"""A tiny project: four pictures of 6 x 8 pixels in two folders, three classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.project.catalog import Catalog
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage

HEIGHT, WIDTH = 6, 8
IDS = ("a.png", "b.png", "day 1/a.png", "day 1/ä.jpg")


@pytest.fixture
def images_root(tmp_path: Path) -> Path:
    """Return a folder of four different pictures, named `IDS`."""
    root = tmp_path / "images"
    (root / "day 1").mkdir(parents=True)
    random = np.random.default_rng(0)
    for image_id in IDS:
        pixels = random.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / image_id)
    return root


@pytest.fixture
def project(tmp_path: Path, images_root: Path) -> Iterator[Project]:
    """Return an open project of the four pictures; all are cats, the first is also a dog."""
    classes = ClassList(("cat", "dog", "wild boar"))
    images = [NewImage(image_id, frozenset({"cat"})) for image_id in IDS[1:]]
    first = NewImage(IDS[0], frozenset({"cat", "dog"}), "train")
    with Project.create(tmp_path / "project", images_root, classes, [first, *images]) as made:
        yield made


@pytest.fixture
def mask() -> np.ndarray:
    """Return a mask that holds background, two classes and ignore."""
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[1:3, 2:5], values[4, :], values[5, 0] = 1, 3, 255
    return values


def put_split(project: Project, image_id: str, split: str) -> None:
    """Assign one image to a split, as an older project may have it."""
    project._database.execute("UPDATE images SET split = ? WHERE id = ?", (split, image_id))


def set_scores(catalog: Catalog, scores: Mapping[str, float]) -> None:
    """Set the queue scores of several images."""
    for image_id, score in scores.items():
        catalog.set_score(image_id, score)
