from __future__ import annotations

import numpy as np
import pytest

from training.data import picture_memory
from training.data.picture_memory import PictureMemory, choose_capacity, free_share


def test_each_picture_is_made_once() -> None:
    memory, made = PictureMemory(100), []

    def make() -> np.ndarray:
        made.append(1)
        return np.zeros((4, 5), np.uint8)

    assert memory.kept("a", make) is memory.kept("a", make)
    memory.kept("b", make)
    assert len(made) == 2


def test_what_finds_no_room_is_made_anew() -> None:
    memory = PictureMemory(100, capacity=30)
    first = memory.kept("a", lambda: np.zeros((4, 5), np.uint8))

    assert memory.kept("b", lambda: np.ones((4, 5), np.uint8)).all()
    assert not memory.kept("b", lambda: np.zeros((4, 5), np.uint8)).any()
    assert memory.kept("a", lambda: np.ones((4, 5), np.uint8)) is first


def test_large_pictures_are_kept_smaller_and_maps_keep_their_values() -> None:
    memory = PictureMemory(32)
    image = np.full((64, 48, 3), (9, 90, 200), np.uint8)
    mask = np.where(np.arange(64)[:, None] < 32, 3, 255).astype(np.uint8).repeat(48, 1)

    assert memory.fitted(image).shape == (32, 24, 3)
    assert memory.fitted(mask).shape == (32, 24)
    assert set(np.unique(memory.fitted(mask))) == {3, 255}


def test_what_nobody_chose_is_half_of_what_is_free_and_4_gb_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for free in (None, 2 * 2**30, 6 * 2**30, 100 * 2**30):
        monkeypatch.setattr(picture_memory, "_free_bytes", lambda free=free: free)
        found.append(free_share() / 2**30)
    assert found == [4, 2, 4, 50]
    assert free_share(5) == 10 * 2**30, "the processes of a machine share it"


def test_a_chosen_size_counts_for_memories_made_from_then_on() -> None:
    pixels = np.zeros((10, 10), np.uint8)
    try:
        choose_capacity(50 / 2**30)
        memory, made = PictureMemory(100), []
        for _ in range(2):
            memory.kept("a", lambda: (made.append(1), pixels)[1])
        assert len(made) == 2, "100 bytes find no room in 50"
    finally:
        choose_capacity(0)


def test_a_picture_that_was_decoded_smaller_gets_the_size_of_its_mask() -> None:
    memory = PictureMemory(100)
    mask = memory.fitted(np.zeros((301, 401), np.uint8))
    assert memory.fitted(np.zeros((151, 201, 3), np.uint8), (301, 401)).shape[:2] == mask.shape == (75, 100)
