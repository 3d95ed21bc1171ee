"""What holds for every entry of the ``saliency`` shelf, run on the real code at 1/16 width."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch

from napari_wsss.core.inference import Inference
from napari_wsss.core.parameters import check, fields_of, from_dict, to_dict
from napari_wsss.core.registry import load_method, method_names
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.saliency.base import SaliencyBatch, SaliencyModel
from napari_wsss.weights.published import published_names

EXACT = Inference(preset="single", precision="float32")

pytestmark = pytest.mark.parametrize("method", method_names("saliency"))


def build(method: str, trunk: str = "mobilenet_v2") -> SaliencyModel:
    torch.manual_seed(0)
    return SaliencyModel.build(method, TrunkChoice(trunk, width=1 / 16), {"side": 64})


def batch(size: int, height: int = 64, width: int = 80) -> SaliencyBatch:
    generator = torch.Generator().manual_seed(1)
    maps = [torch.rand(size, height, width, generator=generator) for _ in range(3)]
    weights = torch.ones(size, height, width)
    weights[:, :10] = 0
    images = torch.randn(size, 3, height, width, generator=generator)
    return SaliencyBatch(images, maps[0].round(), maps[1], maps[2], weights)


def picture(height: int = 70, width: int = 93) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_it_declares_what_menus_and_checkpoints_need(method: str) -> None:
    cls = load_method("saliency", method)

    assert cls.title
    assert set(cls.published) <= set(published_names())
    assert "side" in fields_of(cls.Parameters)
    assert build(method).method == method


@pytest.mark.parametrize("size", [(64, 80), (65, 83)])
def test_saliency_has_the_size_of_the_image_and_lies_in_0_to_1(method: str, size: tuple[int, int]) -> None:
    model = build(method).eval()
    with torch.no_grad():
        found, larger = model.saliency(torch.randn(2, 3, *size)), model.saliency(torch.randn(2, 3, *size), (90, 91))

    assert found.shape == (2, *size)
    assert larger.shape == (2, 90, 91)
    assert 0 <= found.min() <= found.max() <= 1


def test_an_image_does_not_depend_on_its_batch(method: str) -> None:
    model, three = build(method).eval(), batch(3).images
    with torch.no_grad():
        torch.testing.assert_close(model.saliency(three)[1:2], model.saliency(three[1:2]), atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("size", [1, 3])
def test_the_loss_is_finite_and_reaches_every_weight_that_learns(method: str, size: int) -> None:
    model = build(method).train()

    losses = model.loss(batch(size))
    torch.stack(list(losses.values())).sum().backward()

    assert all(torch.isfinite(loss) and loss.ndim == 0 for loss in losses.values())
    assert not [name for name, w in model.named_parameters() if w.requires_grad and w.grad is None]


@pytest.mark.parametrize("factor", [0.0, 1e-8, 1e6])
def test_dead_and_huge_features_have_finite_gradients(method: str, factor: float) -> None:
    model = build(method).train()
    features = model.trunk.features

    def scaled(images: torch.Tensor, taps: tuple[str, ...]) -> dict[str, torch.Tensor]:
        return {tap: factor * found for tap, found in features(images, taps).items()}

    with patch.object(model.trunk, "features", scaled):
        torch.stack(list(model.loss(batch(1)).values())).sum().backward()

    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_one_cell_of_one_image_can_be_learned_from(method: str) -> None:
    model = build(method).train()
    one = batch(1, 16, 16)

    losses = model.loss(one)
    torch.stack(list(losses.values())).sum().backward()

    assert all(torch.isfinite(loss) for loss in losses.values())


def test_ignored_pixels_teach_nothing(method: str) -> None:
    model, data = build(method).eval(), batch(2)
    others = [part.clone() for part in (data.masks, data.bodies, data.details)]
    for part in others:
        part[:, :10] = 1 - part[:, :10]

    changed = SaliencyBatch(data.images, *others, data.weights)

    torch.testing.assert_close(model.loss(data), model.loss(changed))


def test_nothing_to_learn_from_is_no_loss_without_a_number(method: str) -> None:
    data = batch(1)
    nothing = SaliencyBatch(data.images, data.masks, data.bodies, data.details, torch.zeros_like(data.weights))

    assert all(torch.isfinite(loss) for loss in build(method).loss(nothing).values())


def test_every_stage_has_targets_for_the_next(method: str) -> None:
    model = build(method).eval()
    if getattr(model.settings, "stages", 1) == 1:
        return
    with torch.no_grad():
        parts = model.decouple(torch.randn(2, 3, 64, 80), (50, 60))

    assert [part.shape for part in parts] == [(2, 50, 60)] * 2
    assert all(0 <= part.min() <= part.max() <= 1 for part in parts)


def test_evaluation_is_deterministic_and_modes_come_back(method: str) -> None:
    model = build(method).train()
    model.trunk.freeze_batch_norm()
    before = [part.training for part in model.modules()]

    first, second = (model.infer(picture(), EXACT) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert first.shape == (70, 93)
    assert [part.training for part in model.modules()] == before


def test_weights_are_split_into_trunk_and_head(method: str) -> None:
    model = build(method)
    trunk, head = list(model.trunk_parameters()), list(model.head_parameters())

    assert trunk
    assert head
    assert {id(w) for w in trunk}.isdisjoint(id(w) for w in head)
    assert len(trunk) + len(head) == sum(weight.requires_grad for weight in model.parameters())


def test_parameters_survive_json_types(method: str) -> None:
    parameters = load_method("saliency", method).Parameters

    assert from_dict(parameters, to_dict(check(parameters()))) == parameters()


def test_a_checkpoint_gives_the_same_result(method: str, tmp_path: Path) -> None:
    model = build(method)
    model.save(tmp_path / "x.safetensors", None, {})

    found, _, what = SaliencyModel.restore(tmp_path / "x.safetensors", "cpu")

    assert (what.method, what.classes) == (method, None)
    np.testing.assert_array_equal(found.infer(picture(), EXACT), model.infer(picture(), EXACT))
