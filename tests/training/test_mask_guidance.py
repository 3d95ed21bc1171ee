from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from napari_wsss.localize.base import Localizer
from napari_wsss.networks.trunk import build_trunk
from training.mask_guidance import mask_loss


class _Fixed(Localizer):
    """Gives the maps it was told, two classes at stride 16."""

    title = "fixed"

    def __init__(self, maps: Tensor) -> None:
        super().__init__(2, build_trunk("mobilenet_v2", width=1 / 16))
        self.maps = nn.Parameter(maps)

    def classify(self, images: Tensor) -> Tensor:
        return self.maps.mean((2, 3))

    def localize(self, images: Tensor, labels: Tensor) -> Tensor:
        return self.maps.relu()[: len(images)] * labels[:, :, None, None]


def _mask(*rows: list[int]) -> Tensor:
    """Return a mask (1, 32, 32) of four cells of 16 pixels."""
    return torch.tensor(rows).repeat_interleave(16, 0).repeat_interleave(16, 1)[None]


IMAGES = torch.zeros(1, 3, 32, 32)


def test_maps_equal_to_the_mask_cost_nothing_whatever_their_height() -> None:
    maps = torch.zeros(1, 2, 2, 2)
    maps[0, 0, 0, 0] = 7.0
    loss = mask_loss(_Fixed(maps), IMAGES, _mask([1, 0], [0, 0]))
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)


def test_the_loss_is_the_mean_over_classes_in_view_and_decided_cells() -> None:
    maps = torch.zeros(1, 2, 2, 2)
    maps[0, 0] = torch.tensor([[4.0, 2.0], [0.0, 4.0]])
    # Class 0 in view only; the undecided cell does not count: 4 ((1-1)^2 + (0.5-0)^2 + (0-0)^2) / 3
    loss = mask_loss(_Fixed(maps), IMAGES, _mask([1, 0], [0, 255]))
    assert float(loss.detach()) == pytest.approx(4 * 0.25 / 3, rel=1e-3)


def test_the_gradient_draws_the_map_towards_the_mask() -> None:
    localizer = _Fixed(torch.tensor([[[[4.0, 1.0], [1.0, 1.0]], [[1.0] * 2] * 2]]))
    mask_loss(localizer, IMAGES, _mask([1, 1], [0, 0])).backward()
    gradient = localizer.maps.grad
    assert gradient is not None
    assert gradient[0, 0, 0, 1] < 0  # in the mask: grows
    assert gradient[0, 0, 1, 0] > 0  # outside: shrinks
    assert (gradient[0, 1] == 0).all()  # not in view


def test_the_gradient_stays_bounded_while_maps_are_almost_zero() -> None:
    localizer = _Fixed(torch.full((1, 2, 2, 2), 1e-4))
    mask_loss(localizer, IMAGES, _mask([1, 0], [0, 0])).backward()
    assert localizer.maps.grad is not None
    assert float(localizer.maps.grad.abs().max()) <= 2


@pytest.mark.parametrize("value", [255, 0])
def test_no_mask_or_no_class_in_view_is_zero(value: int) -> None:
    masks = _mask([value, value], [value, value])
    assert float(mask_loss(_Fixed(torch.ones(1, 2, 2, 2)), IMAGES, masks)) == 0
