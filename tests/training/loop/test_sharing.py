from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from napari_wsss.core.errors import ParameterError
from training.data.samplers import BatchOrder, GroupOrder
from training.distributed import World
from training.loop import sharing
from training.loop.sharing import Losses, batch_norm_of, parts_of, taken, together


@dataclass(frozen=True)
class Arrays:
    images: Any
    labels: Any = None


def _order(group: int = 1) -> BatchOrder:
    if group == 1:
        return BatchOrder([1] * 20, 8, 0)
    return GroupOrder(np.ones((20, 1), bool), group, 8, 0)


@pytest.mark.parametrize(("count", "group"), [(1, 1), (3, 1), (8, 1), (4, 2)])
def test_parts_hold_every_image_once_and_weigh_one_together(count: int, group: int) -> None:
    parts = parts_of(_order(group), count)
    assert [image for part in parts for image in part.images] == list(range(8))
    assert sum(part.weight for part in parts) == pytest.approx(1)
    assert [part.is_last for part in parts] == [False] * (count - 1) + [True]
    assert all(len(part.images) % group == 0 for part in parts)
    assert all(part.shares is None for part in parts)


def test_of_several_processes_each_knows_how_many_images_the_others_have(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for rank in range(3):
        monkeypatch.setattr(sharing, "world", lambda rank=rank: World(rank, 3, rank, 3))
        found.append(parts_of(_order(), 2))
    for number, parts in enumerate(zip(*found, strict=True)):
        counts = tuple(len(part.images) for part in parts)
        assert all(part.shares is not None and part.shares.counts == counts for part in parts), number
        assert parts[0].weight == pytest.approx(sum(counts) / 8)
    assert sum(len(part.images) for parts in found for part in parts) == 8


def test_more_parts_than_images_are_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ParameterError, match=r"batch of 8 images in groups of 2 cannot.*--batch-size 10 or more"):
        parts_of(_order(2), 5)
    monkeypatch.setattr(sharing, "world", lambda: World(0, 9, 0, 9))
    with pytest.raises(ParameterError, match="dealt out to 9 processes"):
        parts_of(_order(), 1)


def test_arrays_are_cut_by_images() -> None:
    found = taken(Arrays(np.arange(6).reshape(3, 2)), range(1, 3))
    assert (found.images.tolist(), found.labels) == ([[2, 3], [4, 5]], None)


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(2)

    def loss(self, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"sum": self.norm(batch).sum()}


def test_the_losses_of_a_network_are_those_of_a_module() -> None:
    losses = Losses(_Network())
    assert set(losses(torch.ones(2, 2, 3, 3))) == {"sum"}
    assert together(losses, torch.device("cpu")) is losses, "one that is alone sends nothing"
    with pytest.raises(TypeError, match="no loss"):
        Losses(nn.Linear(1, 1))(torch.ones(1))


def test_what_batch_norm_does_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    network = _Network()
    assert batch_norm_of(nn.Linear(1, 1)) == "none"
    assert batch_norm_of(network) == "learns"
    monkeypatch.setattr(sharing, "world", lambda: World(0, 2))
    assert batch_norm_of(network) == "synchronised"
    monkeypatch.setattr(network.norm, "train", lambda mode=True: network.norm)
    network.norm.training = False
    assert batch_norm_of(network) == "frozen"
