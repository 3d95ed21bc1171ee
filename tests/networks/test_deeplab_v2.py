"""DeepLab v2's network: scales, their maximum, rates, and the grid of the published trunk."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from napari_wsss.networks.deeplab_v2 import DeepLabV2, default_rates
from napari_wsss.networks.trunk import build_trunk

TINY = 1 / 16


def network(trunk: str = "resnet18", scales: tuple[float, ...] = (0.5, 0.75), stride: int = 8) -> DeepLabV2:
    torch.manual_seed(0)
    return DeepLabV2(build_trunk(trunk, output_stride=stride, width=TINY), 4, scales=scales).eval()


def test_the_sizes_are_those_of_the_published_training() -> None:
    with torch.no_grad():
        pyramid = network("resnet101_caffe").pyramid(torch.randn(1, 3, 321, 161))

    assert [tuple(logits.shape[2:]) for logits in pyramid] == [(41, 21), (21, 11), (31, 16), (41, 21)]


def test_the_result_is_the_largest_of_all_scales() -> None:
    net, images = network(), torch.randn(2, 3, 65, 81)
    with torch.no_grad():
        whole, half, most, largest = net.pyramid(images)
        enlarged = [F.interpolate(each, whole.shape[2:], mode="bilinear") for each in (half, most)]

        torch.testing.assert_close(net(images), torch.stack([whole, *enlarged]).max(0).values)
    assert (largest >= whole).all()
    assert (largest > whole).any()


@pytest.mark.parametrize("scales", [(), (1.0,)])
def test_without_further_scales_there_is_one_result(scales: tuple[float, ...]) -> None:
    with torch.no_grad():
        assert len(network(scales=scales).pyramid(torch.randn(1, 3, 33, 33))) == 1


@pytest.mark.parametrize(("stride", "rates"), [(8, (6, 12, 18, 24)), (16, (3, 6, 9, 12))])
def test_rates_span_the_same_pixels_at_every_stride(stride: int, rates: tuple[int, ...]) -> None:
    assert default_rates(stride) == rates
    assert [branch.dilation[0] for branch in network(stride=stride).aspp.branches] == list(rates)


def test_background_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        DeepLabV2(build_trunk("resnet18", width=TINY), 1)
