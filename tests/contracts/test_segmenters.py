"""What holds for every entry of the ``segment`` shelf, run on the real code at 1/16 width."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch

from napari_wsss.core.classes import ClassList
from napari_wsss.core.inference import SegmentInference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import check, from_dict, to_dict
from napari_wsss.core.registry import load_method, method_names
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.pixels.resizing import resize
from napari_wsss.segment.base import Segmenter, SegmenterBatch, predict

EXACT = SegmentInference(precision="float32")
CLASSES = 3

pytestmark = pytest.mark.parametrize("method", method_names("segment"))


def build(method: str, class_count: int = CLASSES) -> Segmenter:
    torch.manual_seed(0)
    return Segmenter.build(method, TrunkChoice(width=1 / 16), class_count=class_count)


def images(count: int, height: int = 64, width: int = 80) -> torch.Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(1))


def batch(size: int, class_count: int = CLASSES) -> SegmenterBatch:
    generator = torch.Generator().manual_seed(2)
    masks = torch.randint(0, class_count + 1, (size, 64, 80), dtype=torch.uint8, generator=generator)
    masks[:, :10] = 255
    return SegmenterBatch(images(size), masks, torch.ones(size, 64, 80))


def picture() -> np.ndarray:
    return resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8), 70, 93)


def test_it_declares_what_menus_and_checkpoints_need(method: str) -> None:
    cls = load_method("segment", method)

    assert cls.title
    assert all(isinstance(name, str) for name in cls.published)
    assert build(method).method == method


@pytest.mark.parametrize("size", [(64, 80), (65, 83)])
def test_probabilities_sum_to_one_at_image_size(method: str, size: tuple[int, int]) -> None:
    with torch.no_grad():
        found = build(method).eval().segment(images(2, *size))

    assert found.shape == (2, CLASSES + 1, *size)
    assert found.min() >= 0
    torch.testing.assert_close(found.sum(1), torch.ones(2, *size), atol=1e-5, rtol=0)


def test_an_image_does_not_depend_on_its_batch(method: str) -> None:
    segmenter, three = build(method).eval(), images(3)
    with torch.no_grad():
        torch.testing.assert_close(segmenter.segment(three)[1:2], segmenter.segment(three[1:2]), atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("size", [1, 3])
def test_the_loss_is_finite_and_reaches_every_weight_that_learns(method: str, size: int) -> None:
    segmenter = build(method).train()

    losses = segmenter.loss(batch(size))
    torch.stack(list(losses.values())).sum().backward()

    assert all(torch.isfinite(loss) and loss.ndim == 0 for loss in losses.values())
    unreached = [name for name, w in segmenter.named_parameters() if w.requires_grad and w.grad is None]
    assert not unreached


@pytest.mark.parametrize("factor", [0.0, 1e-8, 1e6])
def test_dead_and_huge_features_have_finite_gradients(method: str, factor: float) -> None:
    segmenter = build(method).train()
    features = segmenter.trunk.features

    def scaled(images: torch.Tensor, taps: tuple[str, ...]) -> dict[str, torch.Tensor]:
        return {tap: factor * found for tap, found in features(images, taps).items()}

    with patch.object(segmenter.trunk, "features", scaled):
        torch.stack(list(segmenter.loss(batch(1)).values())).sum().backward()

    gradients = [weight.grad for weight in segmenter.parameters() if weight.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_one_cell_of_one_image_can_be_learned_from(method: str) -> None:
    segmenter = build(method).train()
    one = SegmenterBatch(images(1, 16, 16), torch.ones(1, 16, 16, dtype=torch.uint8), torch.ones(1, 16, 16))

    losses = segmenter.loss(one)
    torch.stack(list(losses.values())).sum().backward()

    assert all(torch.isfinite(loss) for loss in losses.values())


def test_ignored_pixels_teach_nothing(method: str) -> None:
    segmenter, data = build(method).eval(), batch(2)
    other = data.masks.clone()
    weights = data.weights.clone()
    weights[:, 20:40] = 0
    other[:, 20:40] = 1

    first = segmenter.loss(SegmenterBatch(data.images, data.masks, weights))
    second = segmenter.loss(SegmenterBatch(data.images, other, weights))

    torch.testing.assert_close(first, second)


def test_one_class_is_enough(method: str) -> None:
    segmenter = build(method, 1).train()

    assert all(torch.isfinite(loss) for loss in segmenter.loss(batch(2, 1)).values())
    assert predict(segmenter, picture(), EXACT).shape == (2, 70, 93)


def test_evaluation_is_deterministic_and_modes_come_back(method: str) -> None:
    segmenter = build(method).train()
    segmenter.trunk.freeze_batch_norm()
    before = [part.training for part in segmenter.modules()]

    first, second = (predict(segmenter, picture(), EXACT) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert [part.training for part in segmenter.modules()] == before


def test_weights_are_split_into_trunk_and_head(method: str) -> None:
    segmenter = build(method)
    trunk, head = list(segmenter.trunk_parameters()), list(segmenter.head_parameters())

    assert bool(trunk) == segmenter.trunk_learns
    assert head
    assert {id(w) for w in trunk}.isdisjoint(id(w) for w in head)
    assert len(trunk) + len(head) == sum(weight.requires_grad for weight in segmenter.parameters())


def test_parameters_survive_json_types(method: str) -> None:
    parameters = load_method("segment", method).Parameters

    assert from_dict(parameters, to_dict(check(parameters()))) == parameters()


def test_a_checkpoint_gives_the_same_result(method: str, tmp_path: Path) -> None:
    segmenter = build(method)
    segmenter.save(tmp_path / "x.safetensors", ClassList("abc"), {})

    found, classes, what = Segmenter.restore(tmp_path / "x.safetensors", "cpu")

    assert (what.method, classes) == (method, ClassList("abc"))
    np.testing.assert_array_equal(predict(found, picture(), EXACT), predict(segmenter, picture(), EXACT))


def test_scales_mirroring_and_tiles_at_test_time(method: str) -> None:
    segmenter, image = build(method), resize(picture(), 200, 230)
    both = SegmentInference(scales=(0.5, 1.0, 1.5), flip=True, precision="float32")
    tiled = SegmentInference(scales=(1.0,), pixel_budget=20_000, tile_overlap=32, precision="float32")

    found = predict(segmenter, image, both)
    mirrored = predict(segmenter, np.ascontiguousarray(image[:, ::-1]), both)

    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
    np.testing.assert_allclose(mirrored[:, :, ::-1], found, atol=1e-4)
    assert predict(segmenter, image, tiled).shape == (CLASSES + 1, 200, 230)


def test_a_dense_crf_takes_the_probabilities(method: str) -> None:
    pytest.importorskip("pydensecrf.densecrf", reason="the extra `crf` is not installed")
    image = picture()
    found = predict(build(method), image, EXACT)
    maps = ActivationMaps(found[1:], tuple(range(CLASSES)), found[0])
    crf = load_method("refine", "dense_crf")

    refined = crf(crf.Parameters(preset="deeplab")).refine(image, maps)

    assert refined.background is not None
    np.testing.assert_allclose(refined.scores.sum(0) + refined.background, 1, atol=1e-4)
