"""Folding batch norm changes nothing but the speed, and follows the weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from napari_wsss.core.trunk_choice import TRUNKS
from napari_wsss.networks.fold import folded
from napari_wsss.networks.trunk import Trunk, build_trunk


def call(network: nn.Module, images: Tensor) -> Tensor:
    result: Tensor = network(images)
    return result


def trained(name: str) -> Trunk:
    """Return a trunk whose running statistics are not the identity."""
    torch.manual_seed(0)
    trunk = build_trunk(name, width=1 / 16)
    with torch.no_grad():
        trunk.train()(torch.randn(2, 3, 64, 64))
    return trunk.eval()


# ResNet-38 norms that follow a sum (the activations before stages 3 to 7, before each unit but the first, the last).
NORMS_AFTER_SUMS = 17


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize("name", TRUNKS)
def test_the_folded_trunk_computes_the_same_without_batch_norm(name: str) -> None:
    trunk = trained(name)
    images = torch.randn(2, 3, 70, 90)

    fast = folded(trunk, call)

    # Of ResNet-38 those that follow a sum remain.
    assert norms(fast) == (NORMS_AFTER_SUMS if name == "resnet38" else 0)
    with torch.no_grad():
        expected = trunk(images)
        assert (fast(images) - expected).abs().max() < 1e-4 * expected.abs().max()


def test_a_network_that_runs_at_two_scales_is_folded_too() -> None:
    trunk = trained("resnet18")

    def twice(network: nn.Module, images: Tensor) -> Tensor:
        half = nn.functional.interpolate(network(images[:, :, ::2, ::2]), scale_factor=2.0)
        whole = call(network, images)
        return whole + half[:, :, : whole.shape[2], : whole.shape[3]]

    fast = folded(trunk, twice)
    images = torch.randn(1, 3, 64, 64)
    assert norms(fast) == 0
    torch.testing.assert_close(twice(fast, images), twice(trunk, images), rtol=1e-4, atol=1e-4)


def test_two_passes_fold() -> None:
    calls = []

    def counted(network: nn.Module, images: Tensor) -> Tensor:
        calls.append(images.shape)
        return call(network, images)

    folded(trained("resnet18"), counted)

    assert len(calls) == 2, "one that finds what follows what, and one of the result"


def test_the_original_is_left_alone() -> None:
    trunk = trained("resnet18")
    before = {key: value.clone() for key, value in trunk.state_dict().items()}
    count = norms(trunk)

    folded(trunk, call)

    assert norms(trunk) == count
    assert all(torch.equal(before[key], value) for key, value in trunk.state_dict().items())
    assert all(weight.requires_grad for weight in trunk.parameters())


def test_the_copy_is_kept_until_a_weight_changes() -> None:
    trunk = trained("resnet18")
    first = folded(trunk, call)
    assert folded(trunk, call) is first

    optimiser = torch.optim.SGD(trunk.parameters(), lr=1e-4)
    trunk(torch.randn(1, 3, 64, 64)).sum().backward()
    optimiser.step()
    second = folded(trunk, call)

    images = torch.randn(1, 3, 64, 64)
    assert second is not first
    with torch.no_grad():
        expected = trunk(images)
        assert (second(images) - expected).abs().max() < 1e-4 * expected.abs().max()


def test_new_running_statistics_are_noticed() -> None:
    trunk = trained("mobilenet_v2")
    first = folded(trunk, call)

    with torch.no_grad():
        trunk.train()(torch.randn(2, 3, 64, 64))
    trunk.eval()

    assert folded(trunk, call) is not first


def test_a_diverged_network_is_left_as_it_is() -> None:
    trunk = trained("resnet18")
    with torch.no_grad():
        next(trunk.parameters()).fill_(float("nan"))

    assert norms(folded(trunk, call)) == norms(trunk)


class Shared(nn.Module):
    """A convolution whose output is also used beside its batch norm: must not be folded."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, images: Tensor) -> Tensor:
        out = self.convolution(images)
        return out + torch.relu(self.norm(out))


def test_a_network_that_folding_would_change_stays_as_it_is() -> None:
    network = Shared()
    with torch.no_grad():
        network.train()(torch.randn(4, 3, 16, 16))
    network.eval()

    same = folded(network, call)

    images = torch.randn(1, 3, 16, 16)
    assert norms(same) == 1
    with torch.no_grad():
        torch.testing.assert_close(same(images), network(images))
