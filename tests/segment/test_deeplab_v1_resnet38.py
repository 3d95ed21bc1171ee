"""What is special about DeepLab v1: its rate follows the output stride, and it stands on ResNet-38."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.segment.base import Segmenter, SegmenterBatch


@pytest.mark.parametrize(("stride", "given", "rate"), [(8, 0, 12), (16, 0, 6), (8, 3, 3)])
def test_the_rate_is_that_of_the_output_stride_unless_given(stride: int, given: int, rate: int) -> None:
    choice = TrunkChoice("resnet38", stride, 1 / 16)
    segmenter = Segmenter.build("deeplab_v1_resnet38", choice, {"rate": given}, class_count=2)

    assert segmenter.network.first[0].dilation == (rate, rate)


def test_it_trains_on_resnet38_at_batch_size_one() -> None:
    segmenter = Segmenter.build("deeplab_v1_resnet38", TrunkChoice("resnet38", 8, 1 / 16), class_count=2).train()
    masks = torch.randint(0, 3, (1, 40, 48), dtype=torch.uint8)

    losses = segmenter.loss(SegmenterBatch(torch.randn(1, 3, 40, 48), masks, torch.ones(1, 40, 48)))
    losses["segmentation"].backward()

    assert set(losses) == {"segmentation"}
    assert all(torch.isfinite(w.grad).all() for w in segmenter.parameters() if w.grad is not None)
