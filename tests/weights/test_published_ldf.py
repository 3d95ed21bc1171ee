"""The descriptor of LDF's published network (every tensor's place: tests/parity/test_ldf.py)."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.core.errors import WeightsError
from napari_wsss.networks.trunk import build_trunk
from napari_wsss.weights.fit import fit
from napari_wsss.weights.identify import identify
from napari_wsss.weights.published import published

STATE = {
    "bkbone.conv1.weight": torch.zeros(64, 3, 7, 7),
    "linearb.weight": torch.zeros(1, 64, 3, 3),
    "encoder.conv1.weight": torch.zeros(64, 128, 3, 3),
    "conv5b.0.weight": torch.zeros(64, 2048, 1, 1),
}


def test_it_is_recognised_and_marked_as_trained_on_pixel_masks() -> None:
    found = identify(STATE)

    assert found is published("ldf_resnet50")
    assert found.pixel_supervised
    assert found.normalisation.scale == 1
    assert found.output_stride == 32


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("bkbone.layer1.0.conv1.weight", "network.trunk.layer1.0.conv1.weight"),
        ("conv5b.0.weight", "network.body_lateral.3.0.weight"),
        ("conv2d.2.running_mean", "network.detail_lateral.0.1.norm.running_mean"),
        ("decoderd.bn3.bias", "network.detail_decoder.steps.3.norm.bias"),
        ("encoder.conv4.bias", "network.interaction.steps.3.conv.bias"),
        ("encoder.bn1b.weight", "network.interaction.body.0.norm.weight"),
        ("lineard.bias", "network.detail_head.bias"),
        ("linear.3.weight", "network.saliency_head.1.weight"),
    ],
)
def test_names(theirs: str, ours: str) -> None:
    assert published("ldf_resnet50").renamed(theirs) == ours


def test_another_network_refuses_it() -> None:
    with pytest.raises(WeightsError, match="LDF"):
        fit(build_trunk("resnet50", width=1 / 16), STATE)
