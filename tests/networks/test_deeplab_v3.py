"""DeepLab v3 on every trunk: shapes, training at batch size 1, head sizes."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from napari_wsss.core.trunk_choice import TRUNKS
from napari_wsss.networks.deeplab_v3 import DeepLabV3, default_rates
from napari_wsss.networks.trunk import build_trunk


@pytest.mark.parametrize("name", TRUNKS)
@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize("aux", [False, True])
def test_logits_of_any_class_count_at_the_output_stride(name: str, output_stride: int, aux: bool) -> None:
    network = DeepLabV3(build_trunk(name, output_stride=output_stride, width=1 / 16), 3, aux=aux).eval()
    with torch.inference_mode():
        main, extra = network(torch.randn(2, 3, 65, 49))

    assert main.shape == (2, 3, math.ceil(65 / output_stride), math.ceil(49 / output_stride))
    assert (extra is not None) == aux
    assert extra is None or extra.shape[:2] == (2, 3)


def _losses(network: DeepLabV3, rate: float = 0.01, side: int = 49) -> list[float]:
    """Return the losses of twelve steps on one random picture."""
    images, target = torch.randn(1, 3, side, side), torch.randint(0, 2, (1, -(-side // 16), -(-side // 16)))
    optimiser = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9)
    losses = []
    for _ in range(12):
        main, _ = network(images)
        loss = F.cross_entropy(main, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", TRUNKS)
def test_one_image_is_enough_to_train(name: str) -> None:
    torch.manual_seed(0)
    losses = _losses(DeepLabV3(build_trunk(name, width=1 / 8), 2, rates=(1, 2), aux=True).train())

    assert all(math.isfinite(loss) for loss in losses)
    assert min(losses[-3:]) < losses[0]


@pytest.mark.parametrize("name", TRUNKS)
def test_one_cell_is_enough_to_train(name: str) -> None:
    torch.manual_seed(0)
    losses = _losses(DeepLabV3(build_trunk(name, width=1 / 16), 2, rates=(1, 2), aux=True).train(), side=16)

    assert all(math.isfinite(loss) for loss in losses)


def _kill(network: DeepLabV3, where: str, share: float) -> None:
    """Let a share of the channels of the trunk or of the head be zero for any picture."""
    kind = nn.Conv2d if where == "trunk" else nn.BatchNorm2d
    for name, layer in network.named_modules():
        if isinstance(layer, kind) and name.startswith("trunk.") == (where == "trunk") and layer.bias is not None:
            layer.bias.data[torch.rand(len(layer.bias)) < share] = -1e3


@pytest.mark.parametrize(
    ("where", "share"),
    [
        *(("trunk", 0), ("trunk", 0.7), ("head", 0.7)),
        *(pytest.param(*between, marks=pytest.mark.slow) for between in (("trunk", 0.5), ("head", 0.4))),
    ],
)
@pytest.mark.parametrize("name", ["vgg16", "vgg16_largefov"])
def test_neither_seeds_nor_dead_channels_decide_whether_a_training_survives(
    name: str, where: str, share: float
) -> None:
    # At a rate ten times too high; a trunk without norm, whose features nothing keeps from growing.
    for seed in range(6):
        torch.manual_seed(seed)
        network = DeepLabV3(build_trunk(name, width=1 / 8), 2, rates=(1, 2)).train()
        _kill(network, where, share)

        losses = _losses(network, rate=0.1)

        assert all(math.isfinite(loss) for loss in losses), f"seed {seed}: {losses}"


def test_every_parameter_up_to_the_heads_gets_a_gradient() -> None:
    network = DeepLabV3(build_trunk("resnet50", width=1 / 16), 4, aux=True).train()
    main, aux = network(torch.randn(2, 3, 65, 65))
    (main.square().mean() + aux.square().mean()).backward()

    without = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert without == []


def test_published_size() -> None:
    with torch.device("meta"):
        network = DeepLabV3(build_trunk("resnet50", output_stride=8), 21, aux=True)

    assert sum(weight.numel() for weight in network.parameters()) == 42_004_074  # as torchvision documents
    assert len(network.state_dict()) == 370


def test_rates_double_at_stride_8() -> None:
    assert default_rates(16) == (6, 12, 18)
    assert default_rates(8) == (12, 24, 36)
    branches = DeepLabV3(build_trunk("resnet18", output_stride=8, width=1 / 16), 2, rates=(2, 3)).aspp.branches
    assert [branch[0].dilation[0] for branch in branches] == [1, 2, 3]


def test_head_parameters_are_all_but_the_trunk() -> None:
    network = DeepLabV3(build_trunk("mobilenet_v2", width=1 / 16), 2)
    trunk = sum(weight.numel() for weight in network.trunk.parameters())
    head = sum(weight.numel() for weight in network.head_parameters())

    assert trunk + head == sum(weight.numel() for weight in network.parameters())


def test_a_single_class_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        DeepLabV3(build_trunk("resnet18", width=1 / 16), 1)
