"""Features are computed once, forgotten when there are too many, and with their network."""

from __future__ import annotations

import gc
from functools import partial

import torch
from torch import Tensor, nn

from napari_wsss.networks.kept_features import KeptFeatures, kept_features


def counting(calls: list[int], value: int) -> Tensor:
    calls.append(value)
    return torch.full((4,), float(value))


def test_each_is_made_once() -> None:
    kept, calls = KeptFeatures(), list[int]()

    for _ in range(3):
        assert kept.get("a", lambda: counting(calls, 1))[0] == 1

    assert calls == [1]


def test_the_one_not_used_for_longest_is_forgotten() -> None:
    kept, calls = KeptFeatures(capacity=32), list[int]()
    for value in (1, 2, 1, 3, 1, 2):
        kept.get(value, partial(counting, calls, value))

    assert calls == [1, 2, 3, 2]


def test_the_one_just_made_stays_however_large() -> None:
    kept, calls = KeptFeatures(capacity=1), list[int]()
    for _ in range(2):
        kept.get("a", lambda: counting(calls, 1))

    assert calls == [1]


def test_every_network_has_its_own() -> None:
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)

    assert kept_features(first) is kept_features(first)
    assert kept_features(first) is not kept_features(second)


def test_a_network_takes_its_features_with_it() -> None:
    from napari_wsss.networks import kept_features as module

    before = len(module._OF_NETWORK)
    network = nn.Linear(1, 1)
    kept_features(network).get("a", lambda: torch.zeros(1))
    del network
    gc.collect()

    assert len(module._OF_NETWORK) == before
