"""A project of one picture that counts as larger than the memory, and of a small one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.plan import Step
from napari_wsss.pixels import by_window
from napari_wsss.pixels.resizing import resize
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from tests.pipeline.test_run import change_plan
from tests.pixels.test_large_tiff import UTM

pytest.importorskip("torch")

SIZE = (250, 301)
WINDOWS = Callable[..., None]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Return an open project of ``a.tif`` (a cat and a dog) and ``b.png`` (a cat), with a localizer applied."""
    from napari_wsss.core.trunk_choice import TrunkChoice
    from napari_wsss.localize.base import Localizer

    images = tmp_path / "images"
    images.mkdir()
    coarse = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    tifffile.imwrite(images / "a.tif", resize(coarse, *SIZE), photometric="rgb", tile=(64, 64), extratags=UTM)
    Image.fromarray(resize(coarse[:4, :5], 60, 70)).save(images / "b.png")
    classes = ClassList(("cat", "dog", "owl"))
    listed = [NewImage("a.tif", frozenset({"cat", "dog"})), NewImage("b.png", frozenset({"cat"}))]
    import torch

    with Project.create(tmp_path / "project", images, classes, listed) as found:
        torch.manual_seed(0)
        localizer = Localizer.build("cam", TrunkChoice("resnet18", width=1 / 16), class_count=3)
        torch.nn.init.normal_(localizer.classifier.weight, std=100)  # type: ignore[union-attr,arg-type]
        localizer.save(found.folder / "training" / "one.safetensors", classes, {})
        settings = {"scales": [0.5, 1.0], "precision": "float32"}
        change_plan(
            found,
            localizer=Step("cam", settings),
            localizer_checkpoint="training/one.safetensors",
            refiners=(Step("power_background", {"background_power": 2.0}),),
        )
        yield found


@pytest.fixture
def by_windows(monkeypatch: pytest.MonkeyPatch) -> WINDOWS:
    """Have pictures of 50,000 pixels count as large; windows and squares of maps have the given sides."""

    def small(side: int = 96, halo: int = 32, squares: int = 4) -> None:
        monkeypatch.setattr(by_window, "WHOLE_PIXELS", 50_000)
        monkeypatch.setattr(by_window, "SIDE", side)
        monkeypatch.setattr(by_window, "HALO", halo)
        monkeypatch.setattr(by_window, "_AT_ONCE", 8000)
        monkeypatch.setattr(by_window, "KEPT_PIXELS", -(-SIZE[0] // squares) * -(-SIZE[1] // squares))

    return small
