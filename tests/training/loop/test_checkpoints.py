from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from napari_wsss.core.errors import WeightsError
from training.loop.checkpoints import load_state, save_state


def _trained(steps: int, seed: int = 0) -> tuple[nn.Module, torch.optim.SGD]:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    _continue(network, optimiser, range(steps))
    return network, optimiser


def _continue(network: nn.Module, optimiser: torch.optim.SGD, steps: range) -> None:
    for step in steps:
        images = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        network(images).square().mean().backward()
        optimiser.step()


def test_continuing_equals_never_having_stopped(tmp_path: Path) -> None:
    whole, _ = _trained(6)
    stopped, optimiser = _trained(3)
    save_state(tmp_path / "s.safetensors", stopped, optimiser, 3, {"best": 0.5})
    fresh, fresh_optimiser = _trained(0, seed=9)
    step, figures = load_state(tmp_path / "s.safetensors", fresh, fresh_optimiser)
    assert (step, figures) == (3, {"best": 0.5})
    _continue(fresh, fresh_optimiser, range(3, 6))
    for name, value in whole.state_dict().items():
        assert torch.equal(value, fresh.state_dict()[name]), name


def test_another_network_is_refused(tmp_path: Path) -> None:
    network, optimiser = _trained(1)
    save_state(tmp_path / "s.safetensors", network, optimiser, 1, {})
    other = nn.Linear(2, 2)
    with pytest.raises(WeightsError, match="new run"):
        load_state(tmp_path / "s.safetensors", other, torch.optim.SGD(other.parameters(), lr=0.1))
