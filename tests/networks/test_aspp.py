"""Atrous spatial pyramid pooling: sizes, context, batch size 1."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.networks.aspp import Aspp, ImagePooling, PooledBatchNorm, SummedAspp


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


def test_a_single_value_per_channel_uses_the_running_statistics() -> None:
    norm = PooledBatchNorm(3).train()
    norm.running_mean.copy_(torch.tensor([1.0, 2.0, 3.0]))
    norm.running_var.fill_(4.0)
    one = torch.randn(1, 3, 1, 1)
    out = norm(one)

    torch.testing.assert_close(out.flatten(), (one.flatten() - norm.running_mean) / (4 + norm.eps) ** 0.5)
    assert norm.num_batches_tracked == 0


def test_two_images_use_the_batch_statistics() -> None:
    norm = PooledBatchNorm(3).train()
    out = norm(torch.randn(2, 3, 1, 1))

    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    assert norm.num_batches_tracked == 1


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
