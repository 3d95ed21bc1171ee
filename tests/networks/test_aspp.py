"""Atrous spatial pyramid pooling: sizes, context, features of any scale."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.networks.aspp import Aspp, ImagePooling, SummedAspp


@pytest.mark.parametrize("rates", [(), (6,), (6, 12, 18)])
def test_the_size_is_kept_for_any_number_of_rates(rates: tuple[int, ...]) -> None:
    aspp = Aspp(12, rates, channels=8).eval()

    assert aspp(torch.randn(2, 12, 7, 9)).shape == (2, 8, 7, 9)
    assert len(aspp.branches) == 1 + len(rates)


def test_image_pooling_is_constant_and_sees_the_mean_only() -> None:
    pooling = ImagePooling(4, 6).eval()
    x = torch.randn(1, 4, 5, 7)
    shuffled = x.flatten(2)[..., torch.randperm(35)].view_as(x)
    out = pooling(x)

    assert torch.equal(out, out[..., :1, :1].expand_as(out))
    torch.testing.assert_close(out, pooling(shuffled))


def _gradients(aspp: Aspp, features: torch.Tensor) -> list[torch.Tensor]:
    """Return the gradients of a random weighting of the result by all parameters."""
    out = aspp(features)
    weighting = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    return list(torch.autograd.grad((out * weighting).sum(), list(aspp.parameters())))


@pytest.mark.parametrize("images", [1, 2])
def test_how_large_the_features_are_does_not_change_the_gradients(images: int) -> None:
    """Of one image the pooled branch is constant, and its gradient nothing but rounding times its own size."""
    torch.manual_seed(0)
    aspp, features = Aspp(12, (1, 2), channels=8, dropout=0.0).train(), torch.randn(images, 12, 4, 4)
    names = [name for name, _ in aspp.named_parameters()]
    before = dict(zip(names, _gradients(aspp, features), strict=True))

    after = dict(zip(names, _gradients(aspp, 1e6 * features), strict=True))

    projection = "projection.0.weight"
    assert float((after[projection] - before[projection]).norm()) < 0.05 * float(before[projection].norm())


def test_summed_convolutions_are_logits_near_zero_and_keep_the_size() -> None:
    torch.manual_seed(0)
    aspp, x = SummedAspp(8, 5, (1, 3)), torch.randn(2, 8, 7, 9)
    with torch.no_grad():
        out = aspp(x)
        parts = [branch(x) for branch in aspp.branches]

    assert out.shape == (2, 5, 7, 9)
    torch.testing.assert_close(out, sum(parts, torch.zeros(())))
    assert out.abs().max() < 1
    with pytest.raises(ValueError, match="at least one"):
        SummedAspp(8, 5, ())
