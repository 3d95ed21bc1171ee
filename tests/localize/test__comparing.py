"""Maps with companions: which classes get them, what they depend on, and how often companions are looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.inference import Companion, Inference
from napari_wsss.core.plan import Step
from napari_wsss.core.progress import finish
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize import _comparing
from napari_wsss.localize.base import Localizer, infer_maps
from napari_wsss.localize.co_attention import CoAttention
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.companions import related
from napari_wsss.pixels.resizing import resize
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage

Pixels = NDArray[np.uint8]
EXACT = Inference(scales=(0.5, 1.0), precision="float32")
FAST = Inference(preset="single", precision="float32")


def mcis(**parameters: Any) -> CoAttention:
    torch.manual_seed(0)
    more = {"convolutions": 0, "companion_side": 64, **parameters}
    found = Localizer.build("co_attention", TrunkChoice("resnet18", width=1 / 16), more, class_count=3)
    assert isinstance(found, CoAttention)
    return found.eval()


def picture(seed: int = 0, height: int = 70, width: int = 93) -> Pixels:
    return resize(np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8), height, width)


def companion(seed: int, *labels: int, read: Callable[[], Pixels] | None = None) -> Companion:
    return Companion(f"content {seed}", labels, read or (lambda: picture(seed, 80, 60)))


@pytest.mark.parametrize("maps", ["fused", "pairs"])
@pytest.mark.parametrize("settings", [EXACT, FAST])
def test_maps_lie_in_range_for_the_present_classes(maps: str, settings: Inference) -> None:
    found = mcis(maps=maps).infer(picture(), (2, 0), settings, [companion(1, 0, 1), companion(2, 2)])

    assert found.classes == (0, 2)
    assert found.scores.shape == (2, 70, 93)
    assert found.scores.dtype == np.float32
    assert 0 <= found.scores.min() <= found.scores.max() <= 1


def test_classes_without_a_companion_get_plain_maps() -> None:
    network = mcis()
    plain = infer_maps(network, picture(), (0, 1), EXACT).scores

    found = network.infer(picture(), (0, 1), EXACT, [companion(1, 0)]).scores

    assert not np.array_equal(found[0], plain[0])
    np.testing.assert_array_equal(found[1], plain[1])


@pytest.mark.parametrize("companions", [[], [companion(1, 2)]])
def test_without_companions_of_its_classes_an_image_gets_plain_maps(companions: list[Companion]) -> None:
    network = mcis()

    np.testing.assert_array_equal(
        network.infer(picture(), (0, 1), EXACT, companions).scores, infer_maps(network, picture(), (0, 1), EXACT).scores
    )


def test_plain_maps_can_be_asked_for() -> None:
    network = mcis(maps="plain")
    plain = infer_maps(network, picture(), (0,), EXACT).scores

    np.testing.assert_array_equal(network.infer(picture(), (0,), EXACT, [companion(1, 0)]).scores, plain)


def test_no_class_gives_no_map() -> None:
    assert mcis().infer(picture(), (), EXACT, [companion(1, 0)]).classes == ()


@pytest.mark.parametrize("maps", ["fused", "pairs"])
def test_other_companions_give_other_maps_and_their_order_does_not_matter(maps: str) -> None:
    network = mcis(maps=maps, affinity="cosine")
    one, two, three = (companion(seed, 0) for seed in (1, 2, 3))

    found = network.infer(picture(), (0,), EXACT, [one, two]).scores

    np.testing.assert_allclose(network.infer(picture(), (0,), EXACT, [two, one]).scores, found, atol=1e-5)
    assert not np.allclose(network.infer(picture(), (0,), EXACT, [one, three]).scores, found, atol=1e-5)


def test_companions_are_read_once_for_all_images_until_the_weights_change() -> None:
    network, reads = mcis(), list[int]()

    def read() -> Pixels:
        reads.append(1)
        return picture(1)

    for seed in (4, 5, 6):
        network.infer(picture(seed), (0,), FAST, [companion(1, 0, read=read)])
    assert len(reads) == 1
    with torch.no_grad():
        network.attention.gate.weight.add_(1)
    network.infer(picture(), (0,), FAST, [companion(1, 0, read=read)])

    assert len(reads) == 2


@pytest.mark.parametrize("error", [ProjectError("gone"), OSError("gone")])
def test_companions_that_cannot_be_read_are_left_out(error: Exception) -> None:
    def read() -> Pixels:
        raise error

    network, broken = mcis(), companion(1, 0, read=read)

    np.testing.assert_array_equal(
        network.infer(picture(), (0,), EXACT, [companion(2, 0), broken]).scores,
        network.infer(picture(), (0,), EXACT, [companion(2, 0)]).scores,
    )
    plain = infer_maps(network, picture(), (0,), EXACT).scores
    np.testing.assert_array_equal(network.infer(picture(), (0,), EXACT, [broken]).scores, plain)


def test_maps_with_companions_follow_a_mirrored_image() -> None:
    network, others = mcis(maps="pairs", affinity="cosine"), [companion(1, 0)]
    settings = Inference(scales=(1.0,), precision="float32")

    found = network.infer(picture(0, 64, 96), (0,), settings, others).scores
    mirrored = network.infer(np.ascontiguousarray(picture(0, 64, 96)[:, ::-1]), (0,), settings, others).scores

    np.testing.assert_allclose(mirrored[:, :, ::-1], found, atol=1e-2)


def test_a_large_image_is_compared_at_a_size_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_comparing, "_MOST_CELLS", 40)
    cells: list[int] = []
    network = mcis()
    affinity = type(network.attention).affinity

    def watched(self: Any, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        cells.append(first[0, 0].numel())
        return affinity(self, first, second)

    monkeypatch.setattr(type(network.attention), "affinity", watched)
    found = network.infer(picture(0, 400, 300), (0,), FAST, [companion(1, 0)])

    assert found.scores.shape == (1, 400, 300)
    assert cells
    assert max(cells) <= 60  # incomplete cells count


def test_the_pipeline_gives_each_image_its_companions(tmp_path: Path) -> None:
    root, names = tmp_path / "images", [f"{n}.png" for n in range(4)]
    root.mkdir()
    for seed, name in enumerate(names):
        Image.fromarray(picture(seed)).save(root / name)
    classes = ClassList(["cat", "dog", "owl"])
    images = [NewImage(name, frozenset({"cat"})) for name in names]
    with Project.create(tmp_path / "p", root, classes, images) as project:
        mcis(affinity="cosine", companions_per_class=2).save(project.folder / "net.safetensors", classes, {})
        step = Step("co_attention", {"preset": "single", "precision": "float32"})
        project.set_plan(replace(project.plan, localizer=step, localizer_checkpoint="net.safetensors"))
        assert len(related(project, project.plan, project.catalog.get(names[0])).chosen) == 2
        assert not finish(pipeline.localize(project, names[:1], "cpu")).failed
        first = pipeline.base_maps(project, names[0])
        project.set_plan(replace(project.plan, companions={names[0]: (names[3],)}))

        assert pipeline.base_maps(project, names[0]) is None  # those stored were made with others
        finish(pipeline.localize(project, names[:1], "cpu"))
        second = pipeline.base_maps(project, names[0])
    assert first is not None
    assert second is not None
    assert not np.allclose(first.scores, second.scores)
