"""Groups of any size on any grid; the logit of an image depends on its companions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from napari_wsss.networks.cross_image import PUBLISHED_SEGMENTS, CrossImage, positions


def network(class_count: int = 3, **options: int) -> CrossImage:
    torch.manual_seed(0)
    return CrossImage(class_count, 8, heads=2, feed_forward=16, **options).eval()


def group(images: int, height: int = 4, width: int = 5, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(images, 8, height, width, generator=generator)
    return features, torch.rand(images, classes, height, width, generator=generator)


EVERY = torch.arange(3)


@pytest.mark.parametrize("images", [1, 2, 5, 7])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 5)])
def test_any_group_on_any_grid(images: int, height: int, width: int) -> None:
    logits = network(group_size=images)(*group(images, height, width), EVERY)

    assert logits.shape == (images, 3)
    assert torch.isfinite(logits).all()


def test_an_image_is_compared_with_its_companions() -> None:
    features, masks = group(2)

    alone, together = network()(features[:1], masks[:1], EVERY), network()(features, masks, EVERY)

    assert not torch.allclose(alone[0], together[0], atol=1e-4)


def test_a_class_sees_its_own_mask_only() -> None:
    features, masks = group(2)
    changed = masks.clone()
    changed[:, 1] = 0.5

    difference = network()(features, masks, EVERY) != network()(features, changed, EVERY)

    assert difference.any(0).tolist() == [False, True, False]


def test_classes_may_be_left_out() -> None:
    features, masks = group(2)

    some = network()(features, masks[:, [2, 0]], torch.tensor([2, 0]))

    torch.testing.assert_close(some, network()(features, masks, EVERY)[:, [2, 0]])


def test_tokens_are_means_of_masked_features() -> None:
    """With one constant square per token, a stride of 2 gives the logits of the coarse grid."""
    features, masks = group(2, 2, 3)
    fine = [part.repeat_interleave(2, 2).repeat_interleave(2, 3) for part in (features, masks)]

    torch.testing.assert_close(network(token_stride=2)(*fine, EVERY), network()(features, masks, EVERY))
    # Odd sides: the last squares are cut, and averaged over what they hold.
    cut = [part[:, :, :3, :5] for part in fine]
    torch.testing.assert_close(network(token_stride=2)(*cut, EVERY), network()(features, masks, EVERY))


def test_image_numbers_reach_as_far_as_the_group() -> None:
    assert len(network().segment) == PUBLISHED_SEGMENTS
    assert len(network(group_size=9).segment) == 9
    with pytest.raises(ValueError, match="6 images"):
        network()(*group(6), EVERY)


@pytest.mark.parametrize("channels", [7, 8])
def test_positions_are_sines_and_cosines_of_falling_frequency(channels: int) -> None:
    code = positions(50, channels)

    assert code.shape == (50, channels)
    for place, channel in ((0, 0), (31, 2), (49, 5)):
        angle = place / 10000 ** ((channel - channel % 2) / channels)
        expected = math.cos(angle) if channel % 2 else math.sin(angle)
        assert float(code[place, channel]) == pytest.approx(expected, abs=1e-5)
