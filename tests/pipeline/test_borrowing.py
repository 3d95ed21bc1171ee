"""A correction proposed for other images: a localizer that cannot tell red from orange, a person who can."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.clusters.found import ClassClusters, place_names
from napari_wsss.core import registry
from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import NoParameters
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.progress import finish
from napari_wsss.pipeline.borrowing import borrow, borrowed_mask, forget_outdated, neighbours
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage

CLASSES = ClassList(("apple",))
IDS = tuple(f"{number}.png" for number in range(4))
RED, ORANGE = (slice(4, 20), slice(2, 14)), (slice(4, 20), slice(18, 30))
BACKGROUND = Step("constant_background", {"background_threshold": 0.5})


class Reds:
    title = "Reds"
    Parameters = NoParameters

    @classmethod
    def restore(cls, path: Path, device: str, *, background: bool = True) -> tuple[Reds, ClassList, Any]:
        return cls(), ClassList(json.loads(path.read_text())), SimpleNamespace(method="reds")

    def infer(self, image: NDArray[np.uint8], present: Sequence[int], settings: Any) -> ActivationMaps:
        return ActivationMaps((image[..., :1] / np.float32(255)).transpose(2, 0, 1), tuple(present))

    def describe(self, image: NDArray[np.uint8], settings: Any) -> NDArray[np.float32]:
        return (image[1::2, 1::2] / np.float32(255)).transpose(2, 0, 1)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Return a project of four pictures of a red apple and an orange; maps are stored, the proposal holds both."""
    entry = SimpleNamespace(load=lambda: Reds)
    monkeypatch.setattr(registry, "_foreign", lambda shelf: {"reds": entry} if shelf == "localize" else {})
    random = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for image_id in IDS:
        pixels = random.integers(0, 60, (24, 32, 3), dtype=np.uint8)
        pixels[RED] = (210, 20, 20)
        pixels[ORANGE] = (230, 150, 20)
        Image.fromarray(pixels).save(tmp_path / "images" / image_id)
    listed = [NewImage(image_id, frozenset({"apple"})) for image_id in IDS]
    with Project.create(tmp_path / "project", tmp_path / "images", CLASSES, listed) as made:
        (made.folder / "net.json").write_text(json.dumps(CLASSES.names))
        made.set_plan(Plan(Step("reds"), (BACKGROUND,), localizer_checkpoint="net.json"))
        for image_id in IDS[:3]:
            item = Lineage.of(made, image_id)
            maps = Reds().infer(made.load_image(image_id).pixels, (0,), None)
            made.store.write_maps(item.base, image_id, item.base_content, maps)
        yield made


def corrected() -> NDArray[np.uint8]:
    mask = np.zeros((24, 32), np.uint8)
    mask[RED] = 1
    return mask


def test_a_correction_is_proposed_until_the_plan_changes(project: Project) -> None:
    project.review.accept(IDS[0], corrected())
    before = project.masks.read_working(IDS[1])
    report = finish(borrow(project, IDS[0], IDS[1:]))

    assert report.done == (IDS[1], IDS[2])
    assert "no maps" in report.failed[IDS[3]]
    found = borrowed_mask(Lineage.of(project, IDS[1]))
    assert found is not None
    assert (found[RED] == 1).mean() > 0.95
    assert (found[ORANGE] == 0).mean() > 0.95
    assert project.catalog.get(IDS[1]).borrowed_from == IDS[0]
    assert project.masks.read_working(IDS[1]) is before is None
    assert borrowed_mask(Lineage.of(project, IDS[0])) is None

    assert forget_outdated(project, IDS[1:3]) == ()
    values = {"background_threshold": 0.4}
    project.set_plan(project.plan.with_override(f"image:{IDS[1]}", "constant_background", values))
    assert forget_outdated(project, IDS[1:3]) == (IDS[1],)
    assert project.catalog.get(IDS[1]).borrowed_from == ""
    assert borrowed_mask(Lineage.of(project, IDS[2])) is not None


def test_without_a_mask_it_says_what_to_do(project: Project) -> None:
    with pytest.raises(StepError, match="has no mask yet"):
        finish(borrow(project, IDS[0], IDS[1:]))


def test_neighbours_are_the_most_alike() -> None:
    coordinates = np.array([[0, 0], [3, 0], [1, 0], [0, 2]], np.float32)
    found = ClassClusters(
        "apple",
        IDS,
        np.zeros(4, np.int64),
        np.zeros(4, np.float32),
        coordinates,
        coordinates,
        place_names(2),
        np.zeros(4, bool),
    )
    assert neighbours(found, IDS[0]) == (IDS[2], IDS[3], IDS[1])
    assert neighbours(found, IDS[0], 1, {IDS[1], IDS[3]}) == (IDS[3],)
    assert neighbours(found, "x.png") == ()
