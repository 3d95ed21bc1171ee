"""What is special about DeepLab v3+: multi-grid, rates, fine borders."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.segment.base import Segmenter, SegmenterBatch

METHOD = "deeplab_v3plus"


def test_the_multi_grid_is_set_on_a_resnet_only() -> None:
    grid = {"multi_grid": [1, 2, 4]}
    segmenter = Segmenter.build(METHOD, TrunkChoice("resnet50", 16, 1 / 16), grid, class_count=2)

    assert [block.conv2.dilation[0] for block in segmenter.trunk.get_submodule("layer4")] == [2, 4, 8]
    with pytest.raises(ParameterError, match="ResNet trunk, this is vgg16"):
        Segmenter.build(METHOD, TrunkChoice("vgg16", 16, 1 / 16), grid, class_count=2)
    with pytest.raises(ParameterError, match=r"3 factors .* has 2 blocks"):
        Segmenter.build(METHOD, TrunkChoice("resnet18", 16, 1 / 16), grid, class_count=2)


def test_it_learns_where_a_thin_line_is() -> None:
    torch.manual_seed(0)
    segmenter = Segmenter.build(METHOD, TrunkChoice("resnet18", 16, 1 / 8), class_count=1).train()
    optimiser = torch.optim.Adam(segmenter.parameters(), lr=0.01)
    masks = torch.zeros(4, 64, 64, dtype=torch.uint8)
    for n, column in enumerate((8, 24, 40, 52)):
        masks[n, :, column : column + 6] = 1
    images = masks[:, None].float().expand(-1, 3, -1, -1) * 2 - 1 + 0.3 * torch.randn(4, 3, 64, 64)
    data = SegmenterBatch(images, masks, torch.ones(4, 64, 64))
    for _ in range(40):
        loss = segmenter.loss(data)["segmentation"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    # On batch statistics: forty steps are too few for the running ones.
    with torch.no_grad():
        found = segmenter.segment(images).argmax(1)

    assert (found == masks).float().mean() > 0.95
