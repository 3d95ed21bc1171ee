"""DeepLab v1's network: sizes, the published field of view and parameter count."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.networks.deeplab_v1 import DeepLabV1, default_rate
from napari_wsss.networks.trunk import build_trunk


@pytest.mark.parametrize("trunk", ["resnet38", "mobilenet_v2", "vgg16"])
def test_logits_lie_on_the_trunks_grid(trunk: str) -> None:
    network = DeepLabV1(build_trunk(trunk, output_stride=8, width=1 / 16), 4).eval()
    with torch.no_grad():
        assert network(torch.randn(2, 3, 65, 80)).shape == (2, 4, 9, 10)


def test_the_published_size() -> None:
    with torch.device("meta"):
        network = DeepLabV1(build_trunk("resnet38", output_stride=8), 21)

    assert len(network.state_dict()) == 242
    assert round(sum(value.numel() for value in network.state_dict().values()) / 1e6) == 124
    assert network.first[0].dilation == (12, 12)
    assert default_rate(16) == 6


def test_background_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        DeepLabV1(build_trunk("resnet18", width=1 / 16), 1)
