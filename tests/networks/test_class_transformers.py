"""Stacked blocks compute what one block per class computes, and blocks of queries change nothing."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_wsss.networks.class_transformers import ClassLinear, ClassNorm, ClassTransformers, attention


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_each_row_goes_through_the_map_of_its_class() -> None:
    layer, tokens = ClassLinear(4, 6, 5), noise(2, 7, 6)
    torch.nn.init.normal_(layer.bias)

    found = layer(tokens, torch.tensor([3, 1]))

    for row, k in enumerate((3, 1)):
        torch.testing.assert_close(found[row], F.linear(tokens[row], layer.weight[k], layer.bias[k]))


def test_the_norm_divides_by_the_unbiased_deviation_plus_a_constant() -> None:
    norm, tokens = ClassNorm(2, 6), noise(1, 3, 6)

    found = norm(tokens, torch.tensor([1]))

    expected = (tokens - tokens.mean(-1, keepdim=True)) / (tokens.std(-1, keepdim=True) + 1e-6)
    torch.testing.assert_close(found, expected)
    assert torch.isfinite(norm(torch.zeros(1, 3, 6), torch.tensor([0]))).all()


def test_a_class_does_not_depend_on_which_others_are_computed() -> None:
    torch.manual_seed(0)
    blocks, tokens = ClassTransformers(5, 8, 2, 16, 0.1).eval(), noise(3, 11, 8)

    together = blocks(tokens, torch.tensor([4, 0, 2]))

    for row, k in enumerate((4, 0, 2)):
        torch.testing.assert_close(blocks(tokens[row : row + 1], torch.tensor([k]))[0], together[row])


def test_classes_that_are_not_computed_get_no_gradient() -> None:
    blocks = ClassTransformers(3, 8, 2, 16, 0.0)

    blocks(noise(1, 5, 8), torch.tensor([1])).square().sum().backward()

    for weight in blocks.parameters():
        assert weight.grad is not None
        assert not weight.grad[[0, 2]].any()


@pytest.mark.parametrize("at_once", [1, 2 * 2 * 9 * 4, 10**9])
def test_blocks_of_queries_give_the_same_values_and_gradients(at_once: int) -> None:
    parts = [noise(2, 2, 9, 4).requires_grad_() for _ in range(3)]
    expected = torch.softmax(parts[0] @ parts[1].transpose(2, 3) / 2, -1) @ parts[2]
    wanted = torch.autograd.grad(expected.square().sum(), parts)

    found = attention(*parts, at_once=at_once)

    torch.testing.assert_close(found, expected)
    for gradient, other in zip(torch.autograd.grad(found.square().sum(), parts), wanted, strict=True):
        torch.testing.assert_close(gradient, other, atol=1e-5, rtol=1e-4)


def test_dropout_acts_in_training_only() -> None:
    blocks, tokens, classes = ClassTransformers(1, 8, 2, 16, 0.5), noise(1, 5, 8), torch.tensor([0])

    assert not torch.equal(blocks(tokens, classes), blocks(tokens, classes))
    blocks.eval()
    torch.testing.assert_close(blocks(tokens, classes), blocks(tokens, classes))


def test_heads_that_cannot_share_the_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 3"):
        ClassTransformers(1, 8, 3, 16, 0.0)
