"""Batch norm of a single value per channel, and that it is torch's own of any more."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from napari_wsss.networks.batch_norm import BatchNorm

MOST = 3.0  # sqrt((1 - m) / m)


def _drawn(channels: int = 3) -> BatchNorm:
    torch.manual_seed(0)
    norm = BatchNorm(channels).train()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


def _plain(norm: BatchNorm) -> nn.BatchNorm2d:
    plain = nn.BatchNorm2d(norm.num_features)
    plain.load_state_dict(norm.state_dict())
    return plain.train(norm.training)


@pytest.mark.parametrize("shape", [(1, 3, 1, 2), (2, 3, 1, 1), (4, 3, 5, 7)])
def test_several_values_are_normalised_as_torch_does(shape: tuple[int, ...]) -> None:
    norm = _drawn()
    plain, values = _plain(norm), torch.randn(shape)
    first, second = values.clone().requires_grad_(), values.clone().requires_grad_()
    found, expected = norm(first), plain(second)
    found.square().sum().backward()
    expected.square().sum().backward()

    assert torch.equal(found, expected)
    assert torch.equal(first.grad, second.grad)
    assert all(torch.equal(a, b) for a, b in zip(norm.buffers(), plain.buffers(), strict=True))


def test_outside_training_a_single_value_is_normalised_as_torch_does() -> None:
    norm = _drawn().eval()
    plain, one = _plain(norm), torch.randn(1, 3, 1, 1)

    assert torch.equal(norm(one), plain(one))
    assert list(norm.state_dict()) == list(plain.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(norm.buffers(), plain.buffers(), strict=True))


def test_a_single_value_is_normalised_by_what_the_running_statistics_learned_from_it() -> None:
    norm = BatchNorm(2).train()
    norm.running_mean.copy_(torch.tensor([1.0, 2.0]))
    norm.running_var.fill_(4.0)
    found = norm(torch.tensor([11.0, 2.5])[None, :, None, None]).flatten()

    mean, variance = torch.tensor([2.0, 2.05]), torch.tensor([0.9 * (4 + 0.1 * 100), 4.0])
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_var, variance)
    torch.testing.assert_close(found, (torch.tensor([11.0, 2.5]) - mean) / (variance + norm.eps).sqrt())


@pytest.mark.parametrize("growth", [0.1, 1.0, 10.0, 1000.0])
def test_no_value_becomes_large_however_fast_they_grow(growth: float) -> None:
    norm, value = BatchNorm(3).train(), torch.tensor([1.0, -7.0, 0.0])
    for _ in range(6):
        value = growth * value
        found = norm(value[None, :, None, None])

        assert found.abs().max() <= MOST + 1e-4


def test_the_same_value_again_and_again_becomes_the_mean_and_leaves_the_spread() -> None:
    norm, value = BatchNorm(3).train(), torch.full((1, 3, 1, 1), 0.5)
    for _ in range(200):
        found = norm(value)

    torch.testing.assert_close(norm.running_mean, value.flatten())
    torch.testing.assert_close(norm.running_var, torch.ones(3))
    torch.testing.assert_close(found, torch.zeros_like(found))


@pytest.mark.parametrize("order", [[(1, 3, 1, 1), (1, 3, 4, 4)], [(1, 3, 4, 4), (1, 3, 1, 1)], [(1, 3, 1, 1)] * 2])
def test_a_module_may_run_twice_before_the_gradients_are_computed(order: list[tuple[int, ...]]) -> None:
    norm = _drawn()
    inputs = [torch.randn(shape, requires_grad=True) for shape in order]
    alone = []
    for each in inputs:
        fresh, own = copy.deepcopy(norm), each.detach().requires_grad_()
        if len(alone):
            fresh(inputs[0])
        fresh(own).square().sum().backward()
        alone.append(own.grad)

    sum(norm(each).square().sum() for each in inputs).backward()

    for each, expected in zip(inputs, alone, strict=True):
        torch.testing.assert_close(each.grad, expected)
