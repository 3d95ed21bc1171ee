"""Which images make up a batch: a function of seed and step only, so that resuming repeats nothing."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from training.distributed import world

Item = TypeVar("Item")


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most so many items, evenly from all: the first ones of sorted folders would show one class."""
    if len(items) <= most:
        return list(items)
    return [items[position * len(items) // most] for position in range(most)]


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

    Attributes
    ----------
    group_size : int
        Consecutive items of a batch that stay together when it is dealt out to several processes.
    """

    group_size = 1

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

    def own(self, step: int) -> list[tuple[int, int]]:
        """Return position in the batch of `step`, and index, of the items that this process takes.

        They are the whole batch where it is alone: what is random about a sample depends on its position.
        """
        chosen, dealt = self.batch(step), world().dealt(self.batch_size, self.group_size)
        return [(at, int(chosen[at])) for at in dealt[world().rank if len(dealt) > 1 else 0]]

    def _shuffled(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng((self._seed, epoch)).permutation(self._items)


class GroupOrder(BatchOrder):
    """Batches of groups that share a class: EDAM learns from images that look at each other.

    The lists of the paper's authors were never published; this order is our own. In an epoch's random order, each
    image not seen yet takes partners of one of its classes: images not seen yet, then any with that class, then,
    when nobody else has its classes or it has none, itself (another view of it). Every image thus occurs about
    once per epoch.

    Parameters
    ----------
    labels : (N, C) bool
        Image-level labels.
    group_size : int
        Images per group; 1 is a plain order.
    batch_size : int
        Images per batch, cut to whole groups and at least one: ``batch(step)`` holds consecutive groups. An epoch has
        N // B batches, at least one.
    seed : int
        Seed of all orders.
    """

    def __init__(self, labels: NDArray[np.bool_], group_size: int, batch_size: int, seed: int) -> None:
        super().__init__([1] * len(labels), batch_size, seed)
        self._labels, self.group_size = labels, group_size
        groups = -(-len(labels) // group_size)
        self.batch_size = max(1, min(batch_size // group_size, groups)) * group_size
        self.steps_per_epoch = max(1, len(labels) // self.batch_size)

    def _shuffled(self, epoch: int) -> NDArray[np.int64]:
        random = np.random.default_rng((self._seed, epoch))
        unseen = np.ones(len(self._labels), bool)
        groups = []
        for image in random.permutation(len(self._labels)):
            if unseen[image]:
                unseen[image] = False
                partners = self._partners(int(image), unseen, random)
                unseen[partners] = False
                groups.append([int(image), *partners])
        # Partners run out towards the end; mixed, so that no kind of group is always the one left out.
        random.shuffle(groups)
        return np.asarray(groups, np.int64).ravel()

    def _partners(self, image: int, unseen: NDArray[np.bool_], random: np.random.Generator) -> list[int]:
        wanted = self.group_size - 1
        own = np.flatnonzero(self._labels[image])
        fresh = own[(self._labels[:, own] & unseen[:, None]).any(0)]
        if not len(own) or not wanted:
            return [image] * wanted
        common = self._labels[:, random.choice(fresh if len(fresh) else own)]
        chosen = random.permutation(np.flatnonzero(common & unseen))[:wanted]
        others = np.flatnonzero(common & ~unseen)
        others = random.permutation(others[others != image])[: wanted - len(chosen)]
        found = [*chosen.tolist(), *others.tolist()]
        return found + [image] * (wanted - len(found))


def sample_rng(seed: int, step: int, position: int) -> np.random.Generator:
    """Return the generator of one sample's augmentation, fixed by seed, step and position in the batch."""
    return np.random.default_rng((seed, 1, step, position))
