"""What holds for every entry of the ``affinity`` shelf, run on the real code at 1/16 width."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch

from napari_wsss.affinity.base import AffinityBatch, AffinityModel, infer_affinities
from napari_wsss.core.inference import Inference
from napari_wsss.core.parameters import check, from_dict, to_dict
from napari_wsss.core.registry import load_method, method_names
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.pixels.resizing import resize

EXACT = Inference(preset="single", precision="float32")

pytestmark = pytest.mark.parametrize("method", method_names("affinity"))


def build(method: str) -> AffinityModel:
    torch.manual_seed(0)
    return AffinityModel.build(method, TrunkChoice(width=1 / 16))


def images(count: int, height: int = 64, width: int = 80) -> torch.Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(1))


def picture(height: int = 70, width: int = 93) -> np.ndarray:
    return resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8), height, width)


def labels_for(model: AffinityModel, batch: torch.Tensor) -> torch.Tensor:
    grid = [-(-side // model.stride) for side in batch.shape[2:]]
    labels = torch.zeros(len(batch), *grid, dtype=torch.int64)
    labels[:, :, grid[1] // 2 :] = 3
    labels[:, 0] = 255
    return labels


def test_it_declares_what_menus_and_checkpoints_need(method: str) -> None:
    cls = load_method("affinity", method)

    assert cls.title
    assert all(isinstance(name, str) for name in cls.published)
    assert {"reference", "pretrained"} <= set(cls.presets)
    assert build(method).method == method


def test_offsets_name_each_pair_once(method: str) -> None:
    offsets = {tuple(offset) for offset in build(method).offsets}

    assert (0, 0) not in offsets
    assert not offsets & {(-dy, -dx) for dy, dx in offsets}


@pytest.mark.parametrize("size", [(64, 80), (65, 83), (33, 40)])
def test_shapes_and_ranges(method: str, size: tuple[int, int]) -> None:
    model = build(method).eval()
    with torch.no_grad():
        dense = model.dense(images(2, *size))
        pairs, boundary = model.pair_affinities(dense), model.boundary(dense)
    grid = tuple(-(-side // model.stride) for side in size)

    assert dense.shape[2:] == grid
    assert pairs.shape == (2, len(model.offsets), *grid)
    assert torch.isfinite(pairs).all()
    assert 0 <= pairs.min() <= pairs.max() <= 1
    assert boundary is None or (boundary.shape == (2, *grid) and 0 <= boundary.min() <= boundary.max() <= 1)


def test_affinities_lie_on_a_grid_over_the_whole_image(method: str) -> None:
    model = build(method)
    found = infer_affinities(model, picture(), EXACT)

    assert found.grid == (-(-70 // model.stride), -(-93 // model.stride))
    assert found.values.dtype == np.float32
    height, width = found.grid
    rows, columns = np.mgrid[:height, :width]
    for plane, (dy, dx) in zip(found.values, found.offsets, strict=True):
        outside = (rows + dy < 0) | (rows + dy >= height) | (columns + dx < 0) | (columns + dx >= width)
        assert not plane[outside].any()


def test_tiles_change_little(method: str) -> None:
    model, image = build(method), picture(160, 200)

    whole = infer_affinities(model, image, EXACT)
    tiled = infer_affinities(model, image, replace(EXACT, pixel_budget=16_000, tile_overlap=64))

    assert whole.grid == tiled.grid
    assert np.abs(whole.values - tiled.values).mean() < 0.05


def test_mirroring_can_be_averaged(method: str) -> None:
    model = build(method)
    both = Inference(scales=(1.0,), flip=True, precision="float32")

    found = infer_affinities(model, picture(64, 96), both)
    mirrored = infer_affinities(model, np.ascontiguousarray(picture(64, 96)[:, ::-1]), both)

    if found.boundary is not None and mirrored.boundary is not None:
        np.testing.assert_allclose(mirrored.boundary[:, ::-1], found.boundary, atol=1e-3)
    down = [tuple(offset) for offset in found.offsets.tolist()].index((1, 0))
    np.testing.assert_allclose(mirrored.values[down, :, ::-1], found.values[down], atol=1e-3)


@pytest.mark.parametrize("count", [1, 3])
def test_the_loss_is_finite_and_reaches_every_weight_that_learns(method: str, count: int) -> None:
    model = build(method).train()
    model.trunk.freeze_batch_norm()
    batch = images(count)

    losses = model.loss(AffinityBatch(batch, labels_for(model, batch)))
    torch.stack(list(losses.values())).sum().backward()

    assert all(torch.isfinite(loss) and loss.ndim == 0 for loss in losses.values())
    learning = {id(weight) for weight in (*model.trunk_parameters(), *model.head_parameters())}
    unreached = [name for name, w in model.named_parameters() if id(w) in learning and w.grad is None]
    assert not unreached


@pytest.mark.parametrize("factor", [0.0, 1e-8, 1e6])
def test_dead_and_huge_features_have_finite_gradients(method: str, factor: float) -> None:
    model = build(method).train()
    batch = images(1)
    features = model.trunk.features

    def scaled(images: torch.Tensor, taps: tuple[str, ...]) -> dict[str, torch.Tensor]:
        return {tap: factor * found for tap, found in features(images, taps).items()}

    with patch.object(model.trunk, "features", scaled):
        torch.stack(list(model.loss(AffinityBatch(batch, labels_for(model, batch))).values())).sum().backward()

    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_undecided_labels_give_no_loss_that_is_not_a_number(method: str) -> None:
    model, batch = build(method).train(), images(2)
    nothing = torch.full_like(labels_for(model, batch), 255)

    assert all(torch.isfinite(loss) for loss in model.loss(AffinityBatch(batch, nothing)).values())


def test_evaluation_is_deterministic_and_puts_the_mode_back(method: str) -> None:
    model = build(method).train()
    modes = [part.training for part in model.modules()]

    first, second = (infer_affinities(model, picture(), EXACT).values for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert [part.training for part in model.modules()] == modes


def test_a_checkpoint_comes_back_and_restores(method: str, tmp_path: Path) -> None:
    model = build(method)
    model.save(tmp_path / "net.safetensors", None, {"epochs": 1})

    loaded, _, what = AffinityModel.restore(tmp_path / "net.safetensors", "cpu")
    restored, _, _ = type(model).restore(tmp_path / "net.safetensors", "cpu")

    assert what.classes is None
    assert what.method == method
    assert what.run == {"epochs": 1}
    assert to_dict(loaded.settings) == to_dict(model.settings)
    expected = infer_affinities(model, picture(), EXACT)
    for other in (loaded, restored):
        np.testing.assert_allclose(other.infer(picture(), EXACT).values, expected.values, atol=1e-5)


def test_parameters_survive_json_types(method: str) -> None:
    parameters = load_method("affinity", method).Parameters

    assert from_dict(parameters, to_dict(check(parameters()))) == parameters()
