"""IRN's two files: every tensor of our networks has its place in them, and which copies are left over."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from napari_wsss.affinity.base import AffinityModel
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.networks.trunk import build_trunk
from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.fit import fit, load_trunk_weights
from napari_wsss.weights.identify import identify
from napari_wsss.weights.published_irn import IRN

SMALL = 1 / 16
CHOICE = TrunkChoice("resnet50", 16, SMALL, dilated=False)
# Our part -> theirs, one layer of each kind.
EDGE = {f"edge_head.branches.{i}": f"fc_edge{i + 1}" for i in range(5)} | {"edge_head.merge": "fc_edge6"}
DISPLACEMENT = {
    "displacement_head.fine.0": "fc_dp1",
    "displacement_head.fine.1": "fc_dp2",
    "displacement_head.coarse.0": "fc_dp3",
    "displacement_head.coarse.1": "fc_dp4",
    "displacement_head.coarse.2": "fc_dp5",
    "displacement_head.merge_coarse": "fc_dp6",
    "displacement_head.merge": "fc_dp7",
    "displacement_head.displace": "fc_dp7.3",
    "displacement_head.mean": "mean_shift.running_mean",
}


def theirs(key: str) -> str:
    """Return the published name of a key of ours."""
    if key.startswith("trunk."):
        return f"resnet50.{key.removeprefix('trunk.')}"
    for own, name in sorted((EDGE | DISPLACEMENT).items(), reverse=True):
        if key == own or key.startswith(f"{own}."):
            return name + key.removeprefix(own)
    return key


def state_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return the state dict as IRN would store it, some tensors twice."""
    state = {theirs(key): torch.randn(value.shape) for key, value in network.state_dict().items()}
    again = {"stage1.0.weight": "resnet50.conv1.weight", "newly_added.0.weight": "classifier.weight"}
    again |= {"edge_layers.5.weight": "fc_edge6.weight", "fc_dp7.4.running_mean": "mean_shift.running_mean"}
    state |= {name: state[source] for name, source in again.items() if source in state}
    return state


@pytest.mark.parametrize("classes", [1, 7])
def test_the_classifier_loads_whole(classes: int) -> None:
    network = Localizer.build("cam", CHOICE, class_count=classes)
    state = state_of(network)

    report = fit(network, state)

    assert report.descriptor.name == "irn_cam_resnet50"
    assert not report.missing
    assert report.unexpected == ("stage1.0.weight", "newly_added.0.weight")
    assert torch.equal(network.state_dict()["classifier.weight"], state["classifier.weight"])


def test_the_boundaries_load_whole() -> None:
    network = AffinityModel.build("boundary_net", CHOICE)
    state = state_of(network) | {"path_indices0": torch.zeros(2), "disp_target": torch.zeros(1)}

    report = fit(network, state)

    assert report.descriptor.name == "irnet_resnet50"
    assert not report.missing
    assert "path_indices0" in report.unexpected
    for own, name in (("displacement_head.merge.1.bias", "fc_dp7.1.bias"), ("displacement_head.mean", "mean_shift")):
        assert torch.equal(network.state_dict()[own], state[name if name in state else f"{name}.running_mean"])


@pytest.mark.parametrize("entry", IRN, ids=lambda entry: entry.name)
def test_both_stand_on_an_undilated_resnet(entry: WeightsDescriptor) -> None:
    assert entry.trunk == "resnet50"
    assert not entry.dilated
    assert not entry.pixel_supervised


def test_their_trunk_starts_others(tmp_path: Path) -> None:
    network = Localizer.build("cam", CHOICE, class_count=3)
    torch.save(state_of(network), tmp_path / "cam.pth")
    trunk = build_trunk("resnet50", width=SMALL)

    assert load_trunk_weights(trunk, tmp_path / "cam.pth").name == "irn_cam_resnet50"
    assert identify(torch.load(tmp_path / "cam.pth")) is IRN[0]
