"""LDF's decoders on every trunk (the published values: tests/parity/test_ldf.py)."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.core.trunk_choice import TRUNKS
from napari_wsss.networks.ldf_decoders import LEVELS, LabelDecouplingNetwork, level_taps
from napari_wsss.networks.trunk import build_trunk

NAMES = TRUNKS


def network(name: str, output_stride: int) -> LabelDecouplingNetwork:
    torch.manual_seed(0)
    return LabelDecouplingNetwork(build_trunk(name, output_stride=output_stride, width=1 / 16))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(64, 96), (65, 83)])
def test_both_passes_have_the_finest_grid_on_every_trunk(name: str, size: tuple[int, int]) -> None:
    for output_stride in build_trunk(name, width=1 / 16).strides:
        found = network(name, output_stride).eval()
        images = torch.randn(2, 3, *size)
        with torch.inference_mode():
            first, second = found(images)
            finest = found.trunk.features(images, found.taps[:1])[found.taps[0]]

        assert {part.shape for part in (*first, *second)} == {(2, 1, *finest.shape[2:])}


def test_the_published_levels_are_the_four_stages_of_a_resnet() -> None:
    assert level_taps(build_trunk("resnet50", width=1 / 16)) == ("stride4", "stride8", "stride16", "stride32")
    assert all(len(level_taps(build_trunk(name, width=1 / 16))) == LEVELS for name in NAMES)


def test_the_second_pass_knows_what_the_first_found() -> None:
    found, images = network("resnet18", 32).eval(), torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        first, second = found(images)
        for part in (*found.interaction.body, *found.interaction.detail):
            part.norm.weight.zero_()
            part.norm.bias.zero_()
        _, unaware = found(images)

    assert not torch.allclose(first.saliency, second.saliency)
    torch.testing.assert_close(unaware.saliency, first.saliency)


def test_one_small_image_can_be_learned_from() -> None:
    found = network("mobilenet_v2", 32).train()

    assert torch.isfinite(found(torch.randn(1, 3, 64, 64))[1].saliency).all()
