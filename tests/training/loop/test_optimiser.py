from __future__ import annotations

import pytest
import torch
from torch import nn

from training.config import Optimisation
from training.loop.optimiser import layout_of, optimiser_of


def test_head_and_matrices_have_groups_of_their_own() -> None:
    trunk, head = nn.Linear(2, 2), nn.Linear(2, 2)
    trunk.bias.requires_grad_(False)
    settings = Optimisation(learning_rate=0.1, head_rate=10.0, weight_decay=0.5)
    groups = optimiser_of(trunk.parameters(), head.parameters(), settings).param_groups
    found = [(group["lr"], group["weight_decay"], len(group["params"])) for group in groups]
    assert found == [(0.1, 0.5, 1), (1.0, 0.5, 1), (1.0, 0.0, 1)]


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)])
def test_the_optimiser_is_the_chosen_one(name: str, kind: type) -> None:
    layer = nn.Linear(1, 1)
    chosen = Optimisation(optimiser=name, momentum=0.0, nesterov=True)  # no momentum, nothing to look ahead with
    assert isinstance(optimiser_of(layer.parameters(), (), chosen), kind)


@pytest.mark.parametrize(("channels", "layout"), [(8, torch.contiguous_format), (16, torch.channels_last)])
def test_the_layout_is_one_that_the_network_survives(channels: int, layout: torch.memory_format) -> None:
    assert layout_of(nn.Sequential(nn.Conv2d(channels, 4, 1, stride=2))) == layout
