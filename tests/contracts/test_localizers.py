"""What holds for every entry of the ``localize`` shelf, run on the real code at 1/16 width."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch

from napari_wsss.core.classes import ClassList
from napari_wsss.core.inference import Inference
from napari_wsss.core.parameters import check, from_dict, to_dict
from napari_wsss.core.registry import load_method, method_names
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, LocalizerBatch, infer_maps
from napari_wsss.pixels.resizing import resize

EXACT = Inference(precision="float32")
CLASSES = 3

pytestmark = pytest.mark.parametrize("method", method_names("localize"))


def build(method: str, class_count: int = CLASSES) -> Localizer:
    torch.manual_seed(0)
    return Localizer.build(method, TrunkChoice("resnet18", width=1 / 16), class_count=class_count)


def images(count: int, height: int = 64, width: int = 80) -> torch.Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(1))


def picture() -> np.ndarray:
    return resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8), 70, 93)


def test_it_declares_what_menus_and_checkpoints_need(method: str) -> None:
    cls = load_method("localize", method)

    assert cls.title
    assert build(method).companions >= 0
    assert all(isinstance(name, str) for name in cls.published)
    assert build(method).method == method


def test_shapes_and_ranges(method: str) -> None:
    localizer, batch = build(method).eval(), images(2, 65, 83)
    labels = torch.ones(2, CLASSES, dtype=torch.bool)
    with torch.no_grad():
        maps = localizer.localize(batch, labels)

        assert localizer.classify(batch).shape == (2, CLASSES)
    stride = localizer.stride
    assert maps.shape == (2, CLASSES, -(-65 // stride), -(-83 // stride))
    assert torch.isfinite(maps).all()
    assert maps.min() >= 0


def test_absent_classes_have_no_map(method: str) -> None:
    localizer = build(method).eval()
    labels = torch.tensor([[True, False, False], [False, False, True]])
    with torch.no_grad():
        maps = localizer.localize(images(2), labels)

    assert not maps[~labels].any()


def test_an_image_does_not_depend_on_its_batch(method: str) -> None:
    localizer, batch = build(method).eval(), images(3)
    labels = torch.ones(3, CLASSES, dtype=torch.bool)
    with torch.no_grad():
        alone, together = localizer.localize(batch[1:2], labels[1:2]), localizer.localize(batch, labels)

    torch.testing.assert_close(together[1:2], alone, atol=1e-4 * float(together.max()) + 1e-7, rtol=1e-3)


def test_inference_follows_a_mirrored_image(method: str) -> None:
    localizer = build(method)

    maps = infer_maps(localizer, picture(), range(CLASSES), EXACT).scores
    mirrored = infer_maps(localizer, np.ascontiguousarray(picture()[:, ::-1]), range(CLASSES), EXACT).scores

    np.testing.assert_allclose(mirrored[:, :, ::-1], maps, atol=2e-2)


@pytest.mark.parametrize("present", [(), (1,), (0, 1, 2)])
def test_inference_gives_the_present_classes_only(method: str, present: tuple[int, ...]) -> None:
    maps = infer_maps(build(method), picture(), present, EXACT)

    assert maps.classes == present
    assert maps.scores.shape == (len(present), 70, 93)
    assert maps.scores.dtype == np.float32
    assert not len(present) or 0 <= maps.scores.min() <= maps.scores.max() <= 1


@pytest.mark.parametrize("size", [1, 3])
def test_the_loss_is_finite_and_reaches_every_weight_that_learns(method: str, size: int) -> None:
    localizer = build(method).train()
    localizer.trunk.freeze_batch_norm()
    labels = torch.zeros(size, CLASSES)
    labels[:, 0] = 1

    losses = localizer.loss(LocalizerBatch(images(size), labels))
    torch.stack(list(losses.values())).sum().backward()

    assert all(torch.isfinite(loss) and loss.ndim == 0 for loss in losses.values())
    unreached = [name for name, w in localizer.named_parameters() if w.requires_grad and w.grad is None]
    assert not unreached


@pytest.mark.parametrize("factor", [0.0, 1e-8, 1e6])
def test_dead_and_huge_features_have_finite_gradients(method: str, factor: float) -> None:
    localizer = build(method).train()
    features = localizer.trunk.features

    def scaled(images: torch.Tensor, taps: tuple[str, ...]) -> dict[str, torch.Tensor]:
        return {tap: factor * found for tap, found in features(images, taps).items()}

    with patch.object(localizer.trunk, "features", scaled):
        torch.stack(
            list(localizer.loss(LocalizerBatch(images(1), torch.tensor([[1.0, 0.0, 1.0]]))).values())
        ).sum().backward()

    gradients = [weight.grad for weight in localizer.parameters() if weight.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_one_cell_of_one_image_can_be_learned_from(method: str) -> None:
    localizer = build(method).train()
    one = LocalizerBatch(images(1, 16, 16), torch.tensor([[1.0, 0.0, 1.0]]))

    losses = localizer.loss(one)
    torch.stack(list(losses.values())).sum().backward()

    assert all(torch.isfinite(loss) for loss in losses.values())


def test_one_class_is_enough(method: str) -> None:
    localizer = build(method, 1).train()
    localizer.trunk.freeze_batch_norm()

    losses = localizer.loss(LocalizerBatch(images(2), torch.tensor([[1.0], [0.0]])))

    assert all(torch.isfinite(loss) for loss in losses.values())
    assert infer_maps(localizer, picture(), [0], EXACT).classes == (0,)


def test_evaluation_is_deterministic(method: str) -> None:
    localizer = build(method)

    first, second = (infer_maps(localizer, picture(), [0, 2], EXACT).scores for _ in range(2))

    np.testing.assert_array_equal(first, second)


def test_training_modes_come_back(method: str) -> None:
    localizer = build(method).train()
    localizer.trunk.freeze_batch_norm()
    before = [part.training for part in localizer.modules()]

    infer_maps(localizer, picture(), [0], EXACT)

    assert [part.training for part in localizer.modules()] == before


def test_parameters_survive_json_types(method: str) -> None:
    parameters = load_method("localize", method).Parameters
    assert from_dict(parameters, to_dict(check(parameters()))) == parameters()


def test_a_checkpoint_gives_the_same_maps(method: str, tmp_path: Path) -> None:
    localizer = build(method)
    localizer.save(tmp_path / "x.safetensors", ClassList("abc"), {})

    found, classes, what = Localizer.restore(tmp_path / "x.safetensors", "cpu")

    assert (what.method, classes) == (method, ClassList("abc"))
    np.testing.assert_array_equal(
        infer_maps(found, picture(), [1], EXACT).scores, infer_maps(localizer, picture(), [1], EXACT).scores
    )


def test_what_is_not_known_of_an_image_teaches_nothing_and_harms_nothing(method: str) -> None:
    localizer = build(method).train()
    localizer.trunk.freeze_batch_norm()
    count, losses = 2 * (localizer.companions + 1), []
    for said in (0.0, float("nan")):
        labels = torch.tensor([[1.0, 0.0, said]]).repeat(count, 1)
        localizer.zero_grad()
        torch.manual_seed(3)
        loss = torch.stack(list(localizer.loss(LocalizerBatch(images(count), labels)).values())).sum()
        loss.backward()
        losses.append(loss.item())
        learned = [weight.grad for weight in localizer.parameters() if weight.grad is not None]
        assert all(torch.isfinite(gradient).all() for gradient in learned)
    assert np.isfinite(losses).all()
    assert losses[0] != losses[1], "unknown is not absent"
