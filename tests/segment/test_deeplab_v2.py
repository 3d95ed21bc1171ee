"""What is special about DeepLab v2: losses at every scale, their sizes, pixel-supervised starts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ParameterError, WeightsError
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.segment.base import Segmenter, SegmenterBatch, weighted_cross_entropy
from napari_wsss.weights.normalisation import CAFFE
from tests.weights.states import deeplab_v2_state

CAFFE_TINY = TrunkChoice("resnet101_caffe", 8, 1 / 16)


def segmenter(scales: list[float], trunk: TrunkChoice | None = None) -> Segmenter:
    torch.manual_seed(0)
    choice = trunk or TrunkChoice("resnet18", 8, 1 / 16)
    return Segmenter.build("deeplab_v2", choice, {"multi_scale": scales}, class_count=2).eval()


def batch(side: int = 65) -> SegmenterBatch:
    generator = torch.Generator().manual_seed(1)
    masks = torch.randint(0, 3, (2, side, side), dtype=torch.uint8, generator=generator)
    return SegmenterBatch(torch.randn(2, 3, side, side, generator=generator), masks, torch.ones(2, side, side))


def test_every_scale_and_the_maximum_have_a_loss() -> None:
    net = segmenter([0.5, 0.75])

    assert set(net.loss(batch())) == {"segmentation", "scale_1", "scale_0.5", "scale_0.75"}
    assert set(segmenter([]).loss(batch())) == {"segmentation"}


def test_masks_are_read_under_the_centres_of_the_cells() -> None:
    net, data = segmenter([]), batch(64)
    with torch.no_grad():
        logits = net.network(data.images)  # (2, 3, 8, 8)
    centres = data.masks[:, 4::8, 4::8]

    expected = weighted_cross_entropy(logits, centres, torch.ones(2, 8, 8))

    torch.testing.assert_close(net.loss(data)["segmentation"].detach(), expected)


def test_ignored_pixels_stay_ignored_at_every_scale() -> None:
    net, data = segmenter([0.5]), batch()
    nothing = SegmenterBatch(data.images, torch.full_like(data.masks, 255), data.weights)

    assert all(loss.item() == 0 for loss in net.loss(nothing).values())


@pytest.mark.parametrize("start", [False, True])
def test_it_starts_from_published_weights_and_remembers_their_supervision(tmp_path: Path, start: bool) -> None:
    torch.save(deeplab_v2_state(21, "" if start else "base.", start=start), tmp_path / "net.pth")
    net = segmenter([0.5], CAFFE_TINY)
    fresh = net.network.aspp.branches[0].weight.clone()

    assert net.load_weights(str(tmp_path / "net.pth")) == CAFFE

    assert net.pixel_supervised
    assert torch.equal(net.network.aspp.branches[0].weight, fresh)  # made for another number of classes


def test_a_checkpoint_that_started_from_pixel_masks_passes_that_on(tmp_path: Path) -> None:
    first = segmenter([])
    for supervised in (False, True):
        first.pixel_supervised = supervised
        first.save(tmp_path / "x.safetensors", ClassList("ab"), {})
        second = segmenter([])
        second.load_weights(str(tmp_path / "x.safetensors"))

        assert second.pixel_supervised == supervised


def test_other_trunks_do_not_take_them(tmp_path: Path) -> None:
    torch.save(deeplab_v2_state(3, ""), tmp_path / "net.pth")

    with pytest.raises(WeightsError, match="resnet101_caffe"):
        segmenter([]).load_weights(str(tmp_path / "net.pth"))


def test_scales_out_of_bounds_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"[Mm]ulti.scale"):
        segmenter([0.0])
