"""What is special about EDAM: masks of unit norm, groups, and which classes are computed for a group."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, LocalizerBatch
from napari_wsss.localize.edam import Edam

SMALL = {"hidden": 16, "feed_forward": 32}


def edam(class_count: int = 4, trunk: str = "mobilenet_v2", **parameters: Any) -> Edam:
    torch.manual_seed(0)
    found = Localizer.build("edam", TrunkChoice(trunk, width=1 / 16), SMALL | parameters, class_count=class_count)
    assert isinstance(found, Edam)
    found.trunk.freeze_batch_norm()
    return found


def batch(labels: list[list[int]]) -> LocalizerBatch:
    images = torch.randn(len(labels), 3, 64, 48, generator=torch.Generator().manual_seed(1))
    return LocalizerBatch(images, torch.tensor(labels, dtype=torch.float32))


def loss(network: Edam, given: LocalizerBatch) -> Tensor:
    return network.loss(given)["classification"]


def test_the_masks_have_unit_norm_over_classes_and_background() -> None:
    network = edam().eval()
    images = batch([[1, 0, 0, 0]] * 2).images
    with torch.no_grad():
        masks = network.masks(network.trunk(images))
        maps = network.localize(images, torch.tensor([[True, False, True, False]] * 2))

    torch.testing.assert_close(masks.square().sum(1), torch.ones(2, 4, 3))
    assert masks.shape[1] == 5
    torch.testing.assert_close(maps[:, [0, 2]], masks[:, [1, 3]])  # the background is first and no map
    assert not maps[:, [1, 3]].any()


def test_the_sign_of_a_raw_mask_means_nothing() -> None:
    network, labels = edam().eval(), torch.ones(2, 4, dtype=torch.bool)
    images = batch([[1, 0, 0, 0]] * 2).images
    with torch.no_grad():
        before = network.localize(images, labels)
        network.mask_layer.weight[2].neg_()

        torch.testing.assert_close(network.localize(images, labels), before)


def test_classify_looks_at_each_image_alone() -> None:
    network = edam().eval()
    images = batch([[1, 0, 0, 0]] * 3).images
    with torch.no_grad():
        torch.testing.assert_close(network.classify(images)[1:2], network.classify(images[1:2]), atol=1e-5, rtol=1e-4)


def test_all_classes_are_averaged_over_images_and_classes() -> None:
    network, given = edam(classes_computed="all").eval(), batch([[1, 1, 0, 0], [1, 0, 0, 1]])
    with torch.no_grad():
        logits = network.group_logits(network.trunk(given.images), torch.arange(4))

        torch.testing.assert_close(
            loss(network, given), nn.functional.binary_cross_entropy_with_logits(logits, given.labels)
        )


def test_drawn_classes_stand_for_all_absent_ones() -> None:
    given = batch([[1, 1, 0, 0], [1, 0, 0, 0]])
    drawn, everything = edam(negatives=1).eval(), edam(classes_computed="all").eval()
    with torch.no_grad():
        expected = float(loss(everything, given))
        found = {round(float(loss(drawn, given)), 6) for _ in range(20)}
        enough = float(loss(edam(negatives=9).eval(), given))

    assert len(found) == 2  # one of the two absent classes
    assert sum(found) / 2 == pytest.approx(expected, abs=1e-5)
    assert enough == pytest.approx(expected, abs=1e-5)


def test_without_drawn_classes_the_present_ones_are_computed() -> None:
    network, given = edam(negatives=0).eval(), batch([[1, 1, 0, 0], [1, 0, 0, 0]])
    with torch.no_grad():
        logits = network.group_logits(network.trunk(given.images), torch.tensor([0, 1]))

        torch.testing.assert_close(
            loss(network, given), nn.functional.binary_cross_entropy_with_logits(logits, given.labels[:, :2])
        )


def test_a_group_without_any_label_still_teaches() -> None:
    network = edam(negatives=0)

    found = loss(network, batch([[0, 0, 0, 0], [0, 0, 0, 0]]))
    found.backward()

    assert torch.isfinite(found)
    assert network.mask_layer.weight.grad is not None


@pytest.mark.parametrize("group_size", [1, 2, 3, 7])
def test_any_group_and_a_rest(group_size: int) -> None:
    network = edam(group_size=group_size)

    assert network.companions == group_size - 1
    assert torch.isfinite(loss(network, batch([[1, 0, 0, 0]] * 5)))


def test_groups_do_not_see_each_other() -> None:
    network, given = edam(classes_computed="all").eval(), batch([[1, 0, 0, 0]] * 4)
    halves = [LocalizerBatch(given.images[part], given.labels[part]) for part in (slice(0, 2), slice(2, 4))]
    with torch.no_grad():
        expected = torch.stack([loss(network, half) for half in halves]).mean()

        torch.testing.assert_close(loss(network, given), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("trunk", ["mobilenet_v2", "resnet18", "vgg16", "resnet38"])
@pytest.mark.parametrize("rate", ["head", "trunk"])
def test_transformers_learn_at_the_wanted_rate(trunk: str, rate: str) -> None:
    network = edam(trunk=trunk, transformer_rate=rate)

    slow, fast = list(network.trunk_parameters()), list(network.head_parameters())

    heads = {id(network.mask_layer.weight), id(network.reduction.weight), id(network.cross_image.classifier)}
    comparing = {id(weight) for weight in network.cross_image.parameters()} - heads
    assert {id(weight) for weight in fast} == heads | (comparing if rate == "head" else set())
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    assert {id(weight) for weight in (*slow, *fast)} == {id(weight) for weight in learning}
    assert len(slow) + len(fast) == len(learning)


def test_heads_must_share_the_channels() -> None:
    with pytest.raises(ParameterError, match="multiple of the heads"):
        edam(hidden=9)
