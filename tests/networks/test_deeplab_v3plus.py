"""DeepLab v3+'s network: the finer grid, its early features, its published size."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.core.trunk_choice import TRUNKS
from napari_wsss.networks.deeplab_v3plus import DeepLabV3Plus
from napari_wsss.networks.trunk import build_trunk

TINY = 1 / 16


@pytest.mark.parametrize("trunk", TRUNKS)
@pytest.mark.parametrize("stride", [8, 16])
def test_logits_lie_on_a_grid_of_four_pixels(trunk: str, stride: int) -> None:
    network = DeepLabV3Plus(build_trunk(trunk, output_stride=stride, width=TINY), 4).eval()
    with torch.no_grad():
        assert network(torch.randn(2, 3, 65, 80)).shape == (2, 4, 17, 20)


def test_it_reads_the_early_features() -> None:
    torch.manual_seed(0)
    network, images = DeepLabV3Plus(build_trunk("resnet18", width=TINY), 2).eval(), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before = network(images)
        network.detail[0].weight.zero_()

        assert not torch.allclose(network(images), before)


def test_the_published_size() -> None:
    with torch.device("meta"):
        network = DeepLabV3Plus(build_trunk("resnet101"), 21)

    assert sum(value.numel() for value in network.parameters()) == 59_344_309  # 59.34 M of the fact sheet
    assert len(network.aspp.branches) == 4


def test_background_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        DeepLabV3Plus(build_trunk("resnet18", width=TINY), 1)
