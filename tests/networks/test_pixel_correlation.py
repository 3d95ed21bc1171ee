"""PCM against its definition, in blocks and whole, and what enters it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from napari_wsss.networks import pixel_correlation
from napari_wsss.networks.pixel_correlation import competing, correlate


def given(batch: int = 2, channels: int = 3, height: int = 7, width: int = 9) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(batch, channels, height, width, generator=generator)
    return maps, torch.randn(batch, 12, height, width, generator=generator)


def as_published(maps: Tensor, features: Tensor) -> Tensor:
    """Return the module's output by the whole matrix, its columns normalised before the product."""
    flat = features.flatten(2)
    unit = flat / (flat.norm(dim=1, keepdim=True) + 1e-5)
    affinity = (unit.transpose(1, 2) @ unit).relu()
    affinity = affinity / (affinity.sum(1, keepdim=True) + 1e-5)
    out: Tensor = maps.flatten(2) @ affinity
    return out.reshape(maps.shape)


@pytest.mark.parametrize("block", [0, 1, 5, 62, 1000])
def test_any_block_gives_the_definition(block: int) -> None:
    maps, features = given()

    torch.testing.assert_close(correlate(maps, features, block=block), as_published(maps, features))


def test_maps_stay_between_their_extremes_and_constants_stay() -> None:
    maps, features = given()

    found = correlate(maps, features)

    assert found.min() >= maps.min() * 0.999
    assert found.max() <= maps.max()
    torch.testing.assert_close(correlate(torch.ones_like(maps), features), torch.ones_like(maps), atol=1e-4, rtol=0)


def test_the_length_of_features_does_not_matter() -> None:
    maps, features = given()

    torch.testing.assert_close(correlate(maps, 7 * features), correlate(maps, features), atol=1e-4, rtol=0)


def test_orthogonal_groups_do_not_mix() -> None:
    features = torch.zeros(1, 2, 2, 4)
    features[:, 0, :, :2] = features[:, 1, :, 2:] = 1
    maps = torch.arange(8.0).reshape(1, 1, 2, 4)

    found = correlate(maps, features)

    expected = torch.tensor([2.5, 2.5, 4.5, 4.5]).expand(2, 4)  # the means of both halves
    torch.testing.assert_close(found[0, 0], expected, atol=1e-4, rtol=0)


def test_a_high_power_leaves_each_cell_to_itself() -> None:
    maps, features = given()

    torch.testing.assert_close(correlate(maps, features, power=200), maps, atol=1e-3, rtol=0)


def test_cells_without_features_are_zero_not_nan() -> None:
    maps, features = given()

    assert not correlate(maps, torch.zeros_like(features)).any()


@pytest.mark.parametrize("block", [0, 10])
def test_gradients_reach_features_and_maps(block: int) -> None:
    maps, features = (one.double().requires_grad_() for one in given(1, 2, 3, 4))

    assert torch.autograd.gradcheck(lambda m, f: correlate(m, f, block=block), (maps, features), atol=1e-6)


def test_blocks_give_the_same_gradient() -> None:
    maps, features = given()
    gradients = []
    for block in (1000, 10):
        leaf = features.clone().requires_grad_()
        correlate(maps, leaf, block=block).square().sum().backward()
        assert leaf.grad is not None
        gradients.append(leaf.grad)

    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-5, rtol=1e-4)


def test_a_zero_feature_has_a_finite_gradient() -> None:
    maps, features = given()
    features[:, :, 0] = 0
    features.requires_grad_()

    correlate(maps, features).sum().backward()

    assert features.grad is not None
    assert torch.isfinite(features.grad).all()


def test_no_more_pairs_than_fit_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    original = pixel_correlation._gathered

    def watched(counted: Tensor, cells: Tensor, columns: Tensor, power: float) -> Tensor:
        held.append(cells.shape[0] * cells.shape[2] * columns.shape[2])
        return original(counted, cells, columns, power)

    monkeypatch.setattr(pixel_correlation, "_gathered", watched)
    maps, features = given(1, 1, 64, 66)  # 17.8 million pairs
    found = correlate(maps, features)

    assert len(held) == 2
    assert max(held) <= 2**24
    torch.testing.assert_close(found, as_published(maps, features), atol=1e-5, rtol=0)


def test_single_precision_inside_autocast() -> None:
    maps, features = given()
    with torch.autocast("cpu", torch.bfloat16):
        found = correlate(maps, features)

    torch.testing.assert_close(found, correlate(maps, features))


def test_another_grid_is_refused() -> None:
    maps, features = given()
    with pytest.raises(ValueError, match="differ in images or grid"):
        correlate(maps[:, :, 1:], features)


def test_winners_compete_and_leave_the_background_the_rest() -> None:
    maps = torch.tensor([[9.0, -9, 9], [2, 1, 0], [0, 4, 2], [-1, -1, -1]])[None, :, None]  # (1, 4, 1, 3)

    found = competing(maps.requires_grad_())

    assert not found.requires_grad
    expected = torch.tensor([[0.0, 0, 0.5], [1, 0, 0], [0, 1, 0.5], [0, 0, 0]])[None, :, None]
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)


def test_ties_are_kept_and_one_class_is_enough() -> None:
    equal = torch.rand(1, 1, 3, 4)
    tied = competing(torch.cat([equal, equal, equal], 1))

    torch.testing.assert_close(tied[:, 1], tied[:, 2])
    assert tied[:, 1].any()
    assert competing(torch.rand(2, 2, 3, 4)).shape == (2, 2, 3, 4)


def test_without_competition_every_class_stays() -> None:
    maps = torch.rand(2, 4, 3, 5)

    found = competing(maps, winners_only=False)

    torch.testing.assert_close(found[:, 1:].amax((2, 3)), torch.ones(2, 3), atol=1e-3, rtol=0)
    torch.testing.assert_close(found[:, 0], 1 - found[:, 1:].amax(1))
    assert (found[:, 1:] > 0).float().mean() > 0.9
