"""What is special about DeepLab v3: the auxiliary head, rates, batch size 1, and learning a toy."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.segment.base import Segmenter, SegmenterBatch
from napari_wsss.weights.normalisation import IMAGENET
from tests.weights.states import deeplab_state


def batch(size: int = 1) -> SegmenterBatch:
    masks = torch.randint(0, 3, (size, 64, 64), dtype=torch.uint8)
    return SegmenterBatch(torch.randn(size, 3, 64, 64), masks, torch.ones(size, 64, 64))


@pytest.mark.parametrize("stride", [8, 16])
@pytest.mark.parametrize("trunk", ["mobilenet_v2", "resnet18"])
def test_it_trains_at_batch_size_one(trunk: str, stride: int) -> None:
    segmenter = Segmenter.build("deeplab_v3", TrunkChoice(trunk, stride, 1 / 16), class_count=2).train()

    losses = segmenter.loss(batch(1))
    sum(losses.values(), torch.zeros(())).backward()

    assert set(losses) == {"segmentation"}
    assert all(torch.isfinite(w.grad).all() for w in segmenter.parameters() if w.grad is not None)


def test_the_auxiliary_head_adds_its_weighted_loss() -> None:
    torch.manual_seed(0)
    light, heavy = (
        Segmenter.build(
            "deeplab_v3", TrunkChoice("resnet18", width=1 / 16), {"auxiliary_weight": weight}, class_count=2
        )
        for weight in (0.1, 0.4)
    )
    heavy.load_state_dict(light.state_dict())
    data = batch(2)

    first, second = (segmenter.eval().loss(data) for segmenter in (light, heavy))

    torch.testing.assert_close(first["segmentation"], second["segmentation"])
    torch.testing.assert_close(4 * first["auxiliary"], second["auxiliary"])


def test_rates_are_those_of_the_output_stride_unless_given() -> None:
    def rates(stride: int, given: list[int]) -> list[int]:
        segmenter = Segmenter.build(
            "deeplab_v3", TrunkChoice(output_stride=stride, width=1 / 16), {"rates": given}, class_count=2
        )
        dilations = (m.dilation[0] for m in segmenter.network.aspp.modules() if isinstance(m, torch.nn.Conv2d))
        return [rate for rate in dilations if rate > 1]

    assert rates(16, []) == [6, 12, 18]
    assert rates(8, []) == [12, 24, 36]
    assert rates(16, [3, 5]) == [3, 5]


@pytest.mark.slow
@pytest.mark.parametrize("class_count", [20, 3])
def test_it_starts_from_torchvisions_whole_network(tmp_path: Path, class_count: int) -> None:
    state = {
        key: torch.full(t.shape, 0.01, dtype=t.dtype if t.dtype == torch.long else None)
        for key, t in deeplab_state(21).items()
    }
    torch.save(state, tmp_path / "net.pth")

    choice = TrunkChoice("resnet50", weights=str(tmp_path / "net.pth"))
    segmenter = Segmenter.build("deeplab_v3", choice, class_count=class_count)

    assert segmenter.normalisation == IMAGENET
    weights = dict(segmenter.network.named_parameters())
    fresh = [name for name, weight in weights.items() if not torch.allclose(weight, torch.tensor(0.01))]
    assert fresh == ([] if class_count == 20 else ["classifier.weight", "classifier.bias"])


def test_it_learns_where_the_bright_half_is() -> None:
    torch.manual_seed(0)
    segmenter = Segmenter.build("deeplab_v3", TrunkChoice("resnet18", 8, 1 / 8), class_count=1).train()
    optimiser = torch.optim.Adam(segmenter.parameters(), lr=0.01)
    masks = torch.zeros(4, 64, 64, dtype=torch.uint8)
    for n, columns in enumerate((slice(32), slice(32, 64), slice(16, 48), slice(8, 30))):
        masks[n, :, columns] = 1
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

    assert (found == masks).float().mean() > 0.9
