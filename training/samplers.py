"""Which images make up a batch: a function of seed and step only, so that resuming repeats nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


class BatchOrder:
    """Shuffled batches without replacement within an epoch; every epoch has its own order.

    Parameters
    ----------
    repeats : sequence of int
        How often each item occurs per epoch; 1 for all is the plain case.
    batch_size : int
        Items per batch. The rest of an epoch that does not fill a batch is left out (it differs every epoch);
        fewer items than one batch make one smaller batch.
    seed : int
        Seed of all orders.
    """

    def __init__(self, repeats: Sequence[int], batch_size: int, seed: int) -> None:
        self._items = np.repeat(np.arange(len(repeats)), np.asarray(repeats, dtype=int))
        if not len(self._items):
            raise ValueError("There is nothing to draw batches from; give at least one item.")
        self.batch_size = min(batch_size, len(self._items))
        self.steps_per_epoch = len(self._items) // self.batch_size
        self._seed = seed
        self._order = lru_cache(maxsize=2)(self._shuffled)

    def epoch(self, step: int) -> int:
        """Return the epoch (from 0) that `step` belongs to."""
        return step // self.steps_per_epoch

    def ends_epoch(self, step: int) -> bool:
        """Return whether `step` is the last one of its epoch."""
        return (step + 1) % self.steps_per_epoch == 0

    def batch(self, step: int) -> NDArray[np.int64]:
        """Return the item indices (B,) of batch `step`, counted from the start of the run."""
        start = step % self.steps_per_epoch * self.batch_size
        return self._order(self.epoch(step))[start : start + self.batch_size]

    def _shuffled(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng((self._seed, epoch)).permutation(self._items)


def sample_rng(seed: int, step: int, position: int) -> np.random.Generator:
    """Return the generator of one sample's augmentation, fixed by seed, step and position in the batch."""
    return np.random.default_rng((seed, 1, step, position))
