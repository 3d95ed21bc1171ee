"""The published AffinityNets: recognised by their content, and every tensor has its place."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from napari_wsss.affinity.affinity_net import AffinityNet
from napari_wsss.networks.trunk import build_trunk
from napari_wsss.weights.fit import fit
from napari_wsss.weights.identify import identify
from napari_wsss.weights.published import published
from napari_wsss.weights.published_affinity import AFFINITY
from tests.weights.states import largefov_names, resnet38_state

NARROW = 1 / 16


def heads(network: AffinityNet) -> dict[str, Tensor]:
    layers = {"f8_3": network.shallow, "f8_4": network.deep, "f8_5": network.last, "f9": network.joined}
    return {f"{name}.weight": torch.randn_like(layer.weight) for name, layer in layers.items()}


def state_of(network: AffinityNet) -> dict[str, Tensor]:
    """Return a made-up state dict in the published names for a narrow network."""
    if network.trunk.name == "resnet38":
        return resnet38_state() | heads(network)
    norms = {
        f"gn8_{3 + number}.{part}": value
        for number, norm in enumerate(network.norms)
        for part, value in norm.state_dict().items()
    }
    return largefov_names(network.trunk.state_dict()) | heads(network) | norms


@pytest.mark.parametrize("name", [entry.name for entry in AFFINITY if entry.network == "affinity_net"])
def test_it_is_recognised_and_fits(name: str) -> None:
    torch.manual_seed(0)
    network = AffinityNet(build_trunk(published(name).trunk, output_stride=8, width=NARROW))
    state = state_of(network)

    descriptor = identify(state)
    assert descriptor is not None
    assert descriptor.name == name
    report = fit(network, state, descriptor)

    assert not report.missing
    assert not report.unexpected
    assert set(AffinityNet.published) == {entry.name for entry in AFFINITY if entry.network == "affinity_net"}


def test_layers_of_vgg_lie_where_ours_are() -> None:
    trunk = build_trunk("vgg16_largefov", output_stride=8, width=NARROW)
    descriptor = published("vgg16_largefov_imagenet")

    found = [descriptor.renamed(key) for key in largefov_names(trunk.state_dict())]

    assert found == list(trunk.state_dict())
