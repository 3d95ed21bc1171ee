"""Whole masks written as one step of a layer's undo."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from napari_wsss.widgets.layers import undo_step
from napari_wsss.widgets.layers.undo_step import write_step


@pytest.mark.parametrize("hook", [undo_step.HOOK, "_no_such_method"])
def test_a_step_is_undone_and_redone_among_painted_ones(hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_step, "HOOK", hook)
    random = np.random.default_rng(5)
    array = random.integers(0, 3, (40, 30), dtype=np.uint8)
    layer, first = Labels(array), array.copy()
    layer.data_setitem((np.array([3]), np.array([4])), 7)
    painted = array.copy()
    wanted = painted.copy()
    wanted[10:20, 5:25] = random.integers(0, 3, (10, 20))
    assert write_step(layer, wanted)
    assert layer.data is array
    assert np.array_equal(array, wanted)
    layer.data_setitem((np.array([12]), np.array([6])), 8)
    for _ in range(2):
        layer.undo()
    assert np.array_equal(array, painted)
    layer.undo()
    assert np.array_equal(array, first)
    for _ in range(2):
        layer.redo()
    assert np.array_equal(array, wanted)


def test_equal_masks_make_no_step() -> None:
    array = np.ones((8, 9), np.uint8)
    layer = Labels(array)
    layer.data_setitem((np.array([3]), np.array([4])), 2)
    assert not write_step(layer, array.copy())
    layer.undo()
    assert np.array_equal(array, np.ones((8, 9), np.uint8))


def test_what_nobody_writes_into_is_held_in_place_of_copies() -> None:
    array, before = np.zeros((8, 9), np.uint8), np.zeros((8, 9), np.uint8)
    layer, wanted = Labels(array), np.arange(72, dtype=np.uint8).reshape(8, 9) + 1
    assert write_step(layer, wanted, before)
    for held, whole in zip(layer._undo_history[-1][0][1:], (before, wanted), strict=True):
        assert np.shares_memory(held, whole)
    layer.data_setitem((np.array([3]), np.array([4])), 2)
    layer.undo()
    assert np.array_equal(array, wanted)
    layer.undo()
    assert not array.any()
    assert np.array_equal(wanted.ravel(), np.arange(72) + 1)
