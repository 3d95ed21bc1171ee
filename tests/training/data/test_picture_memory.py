from __future__ import annotations

import numpy as np

from training.data.picture_memory import PictureMemory


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
