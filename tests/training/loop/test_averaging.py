from __future__ import annotations

from contextlib import suppress

import pytest
import torch
from torch import nn

from training.loop.averaging import WeightAverage


def _network(value: float) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(1)
    nn.init.constant_(norm.weight, value)
    return norm


def test_the_mean_follows_the_weights_quickly_at_first_and_slowly_later() -> None:
    network = _network(0.0)
    average = WeightAverage(network, 0.9)
    nn.init.constant_(network.weight, 1.0)
    average.take(0)
    assert float(average.weights["weight"]) == pytest.approx(0.9)  # a tenth of the start is left
    before = float(average.weights["weight"])
    nn.init.constant_(network.weight, 2.0)
    average.take(10_000)
    assert float(average.weights["weight"]) == pytest.approx(0.9 * before + 0.1 * 2)


def test_the_network_has_the_mean_only_meanwhile() -> None:
    network = _network(0.0)
    average = WeightAverage(network, 0.5)
    nn.init.constant_(network.weight, 4.0)
    average.take(100)
    with suppress(ZeroDivisionError), average.in_place():
        assert network.weight.item() == pytest.approx(2.0)
        _ = 1 // 0
    assert network.weight.item() == 4.0


def test_what_counts_is_not_averaged() -> None:
    network = _network(1.0)
    network(torch.ones(2, 1, 2, 2))
    average = WeightAverage(network, 0.9)
    assert "num_batches_tracked" not in average.weights
    assert {"running_mean", "running_var", "bias"} <= set(average.weights)
