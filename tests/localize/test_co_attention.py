"""What is special about MCIS: which pairs a batch has, what they are to show, and what counts when."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from napari_wsss.core.parameters import from_dict
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, LocalizerBatch, label_loss
from napari_wsss.localize.co_attention import CoAttention, pairs_of


def mcis(class_count: int = 4, trunk: str = "resnet18", **parameters: Any) -> CoAttention:
    torch.manual_seed(0)
    found = Localizer.build("co_attention", TrunkChoice(trunk, width=1 / 16), parameters, class_count=class_count)
    assert isinstance(found, CoAttention)
    found.trunk.freeze_batch_norm()
    return found


def batch(labels: list[list[int]], **more: Any) -> LocalizerBatch:
    images = torch.randn(len(labels), 3, 64, 48, generator=torch.Generator().manual_seed(1))
    return LocalizerBatch(images, torch.tensor(labels, dtype=torch.float32), **more)


def losses(network: CoAttention, given: LocalizerBatch) -> dict[str, float]:
    with torch.no_grad():
        return {name: value.item() for name, value in network.loss(given).items()}


@pytest.mark.parametrize(
    ("images", "size", "expected"),
    [
        (4, 2, [(0, 1), (2, 3)]),
        (3, 2, [(0, 1), (2, 2)]),
        (3, 3, [(0, 1), (0, 2), (1, 2)]),
        (1, 4, [(0, 0)]),
        (5, 3, [(0, 1), (0, 2), (1, 2), (3, 4)]),
    ],
)
def test_pairs_lie_within_their_group(images: int, size: int, expected: list[tuple[int, int]]) -> None:
    first, second = pairs_of(images, size)

    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected


def test_the_soft_margin_is_that_of_torch() -> None:
    logits, labels = torch.randn(3, 4), torch.randint(0, 2, (3, 4)).float()

    for count in (3, 1):
        weights = (torch.arange(3) < count).float()
        expected = F.multilabel_soft_margin_loss(logits[:count], labels[:count]) * count / 3
        torch.testing.assert_close(label_loss(logits, labels, weights), expected)


def test_every_group_wants_its_companions() -> None:
    assert mcis().companions == 1
    assert mcis(group_size=3).companions == 2


def test_pairs_with_the_same_labels_have_nothing_to_contrast() -> None:
    same = losses(mcis(), batch([[1, 0, 1, 0], [1, 0, 1, 0]]))
    own = losses(mcis(), batch([[1, 0, 1, 0], [1, 0, 0, 0]]))

    assert same["contrast_first"] == same["contrast_second"] == 0
    assert own["contrast_first"] > 0
    assert own["contrast_second"] == 0


def test_contrast_begins_late_and_may_be_left_out() -> None:
    labels = [[1, 0, 1, 0], [1, 1, 0, 0]]

    assert losses(mcis(contrast_from=0.5), batch(labels, done=0.49))["contrast_first"] == 0
    assert losses(mcis(contrast_from=0.5), batch(labels, done=0.5))["contrast_first"] > 0
    assert set(losses(mcis(contrast=False), batch(labels))) == {"classification", "co_attention"}


def test_self_pairs_show_all_of_the_first_images_labels() -> None:
    network, given = mcis(self_pairs=True), batch([[1, 0, 1, 0], [1, 0, 0, 0]])
    found = losses(network, given)
    with torch.no_grad():
        image, labels = given.images[:1], given.labels[:1]
        sizes = ((48, 36), (128, 96))
        views = [image.flip(3), *(F.interpolate(image, size, mode="bilinear") for size in sizes)]
        own, expected = network.features(image), 0.0
        for view in views:
            other = network.features(view)
            logits = torch.cat([network.classify(image), network.classify(view)])
            co = torch.cat([network.co_maps(one).mean((2, 3)) for one in network.attention(own, other)])
            for one in (logits, co):
                expected += F.multilabel_soft_margin_loss(one, labels.expand(2, -1)).item()

    assert found["self_pairs"] == pytest.approx(expected, rel=1e-4)


def test_images_of_no_weight_teach_nothing_and_halve_their_pair() -> None:
    labels = [[1, 0, 1, 0], [1, 0, 0, 0]]
    network = mcis()

    assert not any(losses(network, batch(labels, weights=torch.zeros(2))).values())
    mixed, full = losses(network, batch(labels, weights=torch.tensor([1.0, 0.5]))), losses(network, batch(labels))
    assert mixed["co_attention"] == pytest.approx(full["co_attention"] / 2, rel=1e-5)
    assert mixed["classification"] > full["classification"] / 2


def test_groups_do_not_see_each_other() -> None:
    network, given = mcis(), batch([[1, 0, 0, 0]] * 4)
    halves = [losses(network, LocalizerBatch(given.images[p], given.labels[p])) for p in (slice(0, 2), slice(2, 4))]
    whole = losses(network, given)

    for name in whole:
        assert whole[name] == pytest.approx((halves[0][name] + halves[1][name]) / 2, abs=1e-5)


@pytest.mark.parametrize("head", ["separate", "shared"])
@pytest.mark.parametrize("convolutions", [0, 2])
@pytest.mark.parametrize("affinity", ["product", "cosine"])
@pytest.mark.parametrize("trunk", ["mobilenet_v2", "vgg16"])
def test_every_layout_learns(trunk: str, affinity: str, convolutions: int, head: str) -> None:
    network = mcis(trunk=trunk, affinity=affinity, convolutions=convolutions, head=head)

    found = network.loss(batch([[1, 0, 1, 0], [1, 1, 0, 0]]))
    torch.autograd.backward(list(found.values()))

    learning = [weight for weight in network.parameters() if weight.requires_grad]
    assert all(weight.grad is not None and torch.isfinite(weight.grad).all() for weight in learning)
    assert len(list(network.trunk_parameters())) + len(list(network.head_parameters())) == len(learning)


def test_presets_have_values_that_exist() -> None:
    for preset in CoAttention.presets.values():
        from_dict(CoAttention.Parameters, preset.get("parameters", {}))
