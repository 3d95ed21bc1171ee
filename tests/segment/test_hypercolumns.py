import pytest
import torch

from napari_wsss.core.trunk_choice import TRUNKS, TrunkChoice
from napari_wsss.segment.base import Segmenter, SegmenterBatch
from napari_wsss.segment.hypercolumns import EVERY, Hypercolumns, evened

CLASSES = 3


def build(trunk: str = "mobilenet_v2", **parameters: object) -> Hypercolumns:
    torch.manual_seed(0)
    network = Segmenter.build("hypercolumns", TrunkChoice(trunk, width=1 / 16), parameters, class_count=CLASSES)
    assert isinstance(network, Hypercolumns)
    return network


def batch(allowed: torch.Tensor | None = None) -> SegmenterBatch:
    generator = torch.Generator().manual_seed(1)
    masks = torch.randint(0, 2, (2, 65, 65), generator=generator)
    return SegmenterBatch(torch.randn(2, 3, 65, 65, generator=generator), masks, torch.ones(2, 65, 65), allowed)


@pytest.mark.parametrize("trunk", TRUNKS)
def test_every_trunk_learns_up_to_its_last_tap_and_keeps_its_batch_norm(trunk: str) -> None:
    network = build(trunk).train()

    network.loss(batch())["segmentation"].backward()

    learning = [weight for weight in network.trunk.parameters() if weight.requires_grad]
    assert learning
    assert all(weight.grad is not None for weight in learning)
    norms = [module for module in network.trunk.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert not any(module.training or module.weight.requires_grad for module in norms)


def test_classes_an_image_is_not_labelled_with_are_neither_right_nor_wrong() -> None:
    allowed = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 0]])
    network = build(dropout=0.0).eval()
    before = network.loss(batch(allowed))["segmentation"]

    last = network.head.members[0][-1]
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.bias[3] += 5
    other = network.loss(batch(allowed))["segmentation"]
    without = network.loss(batch())["segmentation"]

    torch.testing.assert_close(before, other)
    assert without > other + 1


def test_the_loss_is_that_of_every_second_pixel_of_the_answer() -> None:
    network, data = build(dropout=0.0).eval(), batch()

    found = network.loss(data)["segmentation"]

    part = network.segment(data.images)[:, :, ::EVERY, ::EVERY].log()
    masks = data.masks[:, ::EVERY, ::EVERY]
    weights = evened(masks, torch.ones(masks.shape), CLASSES)
    losses = torch.nn.functional.nll_loss(part, masks, reduction="none")
    expected = (losses * weights).sum() / weights.sum()
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_evened_weights_give_each_value_of_an_image_the_same_part() -> None:
    masks = torch.tensor([[[0, 0, 0, 2]], [[1, 1, 255, 255]], [[255, 255, 255, 3]]])
    weights = torch.tensor([[[1.0, 1.0, 1.0, 0.5]], [[0.5, 0.25, 1.0, 1.0]], [[1.0, 1.0, 1.0, 0.0]]])

    found = evened(masks, weights, CLASSES)

    torch.testing.assert_close(found[0, 0], torch.tensor([1.75 / 3] * 3 + [1.75]))
    torch.testing.assert_close(found[1, 0], torch.tensor([0.5, 0.25, 0, 0]))
    assert not found[2].any()
