"""ResNet's key layout, sizes and dilations."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.networks.resnet import Bottleneck, ResNet


@pytest.mark.parametrize(
    ("depth", "keys", "parameters"),
    # torchvision's documented parameter counts less the 1000-class layer; its keys less fc.weight and fc.bias.
    [(18, 120, 11_689_512 - 513_000), (50, 318, 25_557_032 - 2_049_000), (101, 624, 44_549_160 - 2_049_000)],
)
def test_published_size(depth: int, keys: int, parameters: int) -> None:
    with torch.device("meta"):
        trunk = ResNet(depth)

    assert len(trunk.state_dict()) == keys
    assert sum(weight.numel() for weight in trunk.parameters()) == parameters


def test_keys_are_torchvisions() -> None:
    keys = list(ResNet(50, width=1 / 16).state_dict())
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    expected = {"conv1.weight", *(f"bn1.{part}" for part in norm)}
    for layer, blocks in enumerate((3, 4, 6, 3), start=1):
        for block in range(blocks):
            prefix = f"layer{layer}.{block}"
            expected |= {f"{prefix}.conv{i}.weight" for i in (1, 2, 3)}
            expected |= {f"{prefix}.bn{i}.{part}" for i in (1, 2, 3) for part in norm}
        expected |= {f"layer{layer}.0.downsample.0.weight", *(f"layer{layer}.0.downsample.1.{part}" for part in norm)}

    assert set(keys) == expected


@pytest.mark.parametrize(
    ("output_stride", "dilations"),
    [(8, {"layer3": (1, 2), "layer4": (2, 4)}), (16, {"layer3": (1, 1), "layer4": (1, 2)}), (32, {"layer4": (1, 1)})],
)
def test_the_first_block_of_a_dilated_stage_keeps_the_previous_dilation(
    output_stride: int, dilations: dict[str, tuple[int, int]]
) -> None:
    trunk = ResNet(50, output_stride=output_stride, width=1 / 16)
    for layer, (first, then) in dilations.items():
        blocks = [block for block in trunk.get_submodule(layer) if isinstance(block, Bottleneck)]
        assert [block.conv2.dilation[0] for block in blocks] == [first] + [then] * (len(blocks) - 1)


def test_the_stride_sits_in_the_3x3_convolution() -> None:
    block = ResNet(50, output_stride=32, width=1 / 16).get_submodule("layer2")[0]

    assert block.conv1.stride == (1, 1)
    assert block.conv2.stride == (2, 2)


def test_without_dilation_a_stage_gives_up_its_stride_and_nothing_else() -> None:
    dilated, plain = (ResNet(50, output_stride=16, width=1 / 16, dilated=how) for how in (True, False))

    assert dilated.dilated
    assert not plain.dilated
    assert {m.dilation for m in plain.modules() if isinstance(m, torch.nn.Conv2d)} == {(1, 1)}
    plain.load_state_dict(dilated.state_dict())
    assert plain(torch.zeros(1, 3, 65, 97)).shape == dilated(torch.zeros(1, 3, 65, 97)).shape


def test_a_multi_grid_multiplies_the_last_dilations() -> None:
    trunk = ResNet(50, output_stride=16, width=1 / 16)
    trunk.set_multi_grid((1, 2, 4))

    assert [block.conv2.dilation[0] for block in trunk.get_submodule("layer4")] == [2, 4, 8]
    assert trunk(torch.randn(1, 3, 65, 33)).shape[2:] == (5, 3)
    with pytest.raises(ValueError, match="has 3 blocks"):
        trunk.set_multi_grid((1, 2))
