"""In which order images are annotated: each order picks the next ones from what is known about those that wait."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_wsss.pipeline.applied_model import MAP_BACKGROUND
from napari_wsss.pixels.uncertainty import share_unsure, uncertainty
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from training.economy.machine import Machine


@dataclass
class Pool:
    """The images of one curve.

    Parameters
    ----------
    project : Project
    machine : Machine
        Knows how unsure it is.
    ids : sequence of str
        All images that may be annotated, in the catalog's order.
    seed : int
        Of everything that is drawn.

    Attributes
    ----------
    spent : dict of str to float
        Seconds of a person that each annotated image took, in the order they were annotated.
    """

    project: Project
    machine: Machine
    ids: Sequence[str]
    seed: int
    spent: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        order = np.random.default_rng(self.seed).permutation(len(self.ids))
        self.shuffled = [self.ids[int(index)] for index in order]
        self._labels = {image_id: self.project.catalog.get(image_id).labels for image_id in self.ids}

    def waiting(self) -> list[str]:
        """Return the images nobody has annotated yet, in an order fixed by the seed."""
        return [image_id for image_id in self.shuffled if image_id not in self.spent]

    def labels(self, image_id: str) -> frozenset[str]:
        """Return an image's labels."""
        return self._labels[image_id]

    def unsure(self, image_id: str) -> float:
        """Return the mean uncertainty (1 - margin) of an image's pixels in [0, 1], 0 while there are no proposals."""
        maps = self.machine.maps(image_id, refined=False)
        return 0.0 if maps is None else float(uncertainty(maps).mean())

    def expected_seconds(self, image_id: str) -> float:
        """Return what an image will cost, by what each label (and background) of the annotated ones has cost."""
        parts = sum(len(self.labels(done)) + 1 for done in self.spent)
        each = sum(self.spent.values()) / parts if parts else 1.0
        return max(each, 1e-9) * (len(self.labels(image_id)) + 1)

    def gain(self, image_id: str) -> float:
        """Return the expected gain per second: how unsure the machine is, over what an answer will cost."""
        return self.unsure(image_id) / self.expected_seconds(image_id)


def in_file_order(pool: Pool, count: int) -> list[str]:
    """Return the next images of the catalog."""
    return [image_id for image_id in pool.ids if image_id not in pool.spent][:count]


def at_random(pool: Pool, count: int) -> list[str]:
    """Return images drawn evenly; more of them begin with the same ones."""
    return pool.waiting()[:count]


def stratified(pool: Pool, count: int) -> list[str]:
    """Return images drawn so that every label is annotated about as often as every other."""
    return by_label(pool, pool.waiting(), count)


def most_unsure(pool: Pool, count: int) -> list[str]:
    """Return the images the machine is least sure of."""
    return _best(pool, pool.unsure, count)


def most_diverse(pool: Pool, count: int) -> list[str]:
    """Return images whose features are far from those of all annotated ones, and from each other.

    Greedy k-centres (Sener and Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach",
    ICLR 2018) on standardised means of the trunk's channels; the first image is the one nearest to the mean.
    """
    features = np.stack([pool.machine.described(image_id) for image_id in pool.ids])
    features = (features - features.mean(0)) / np.maximum(features.std(0), 1e-6)
    places = {image_id: place for place, image_id in enumerate(pool.ids)}
    nearest = np.full(len(features), np.inf)
    for image_id in pool.spent:
        nearest = np.minimum(nearest, _distances(features, places[image_id]))
    chosen: list[str] = []
    while len(chosen) < min(count, len(pool.ids) - len(pool.spent)):
        first = not pool.spent and not chosen
        place = int(np.square(features).sum(1).argmin()) if first else int(nearest.argmax())
        chosen.append(pool.ids[place])
        nearest = np.minimum(nearest, _distances(features, place))
        nearest[place] = -1.0
    return chosen


def by_the_queue(pool: Pool, count: int) -> list[str]:
    """Return what comes first in the window's queue sorted by uncertainty: the catalog's own order of its scores."""
    waiting = set(pool.waiting())
    for image_id in waiting:
        maps = pool.machine.maps(image_id, refined=False)
        if maps is not None:
            pool.project.catalog.set_score(image_id, share_unsure(maps, MAP_BACKGROUND))
    ordered = pool.project.catalog.find(Criteria(), "uncertainty")
    return [image_id for image_id in ordered if image_id in waiting][:count]


def most_gain(pool: Pool, count: int) -> list[str]:
    """Return the images of the largest expected gain per second."""
    return _best(pool, pool.gain, count)


def most_gain_by_label(pool: Pool, count: int) -> list[str]:
    """Return, of each label in turn, the image of the largest expected gain per second."""
    return by_label(pool, _best(pool, pool.gain, len(pool.ids)), count)


def by_label(pool: Pool, ordered: Sequence[str], count: int) -> list[str]:
    """Return the first images of an order in which the label that was annotated least comes next, again and again."""
    done = Counter(label for image_id in pool.spent for label in pool.labels(image_id))
    waiting, chosen = list(ordered), list[str]()
    while waiting and len(chosen) < count:
        there = {label for image_id in waiting for label in pool.labels(image_id)}
        wanted = min(sorted(there), key=lambda label: done[label], default=None)
        image_id = next((one for one in waiting if wanted in pool.labels(one)), waiting[0])
        waiting.remove(image_id)
        chosen.append(image_id)
        done.update(pool.labels(image_id))
    return chosen


def _best(pool: Pool, value: Callable[[str], float], count: int) -> list[str]:
    """Return the waiting images of the largest values, equal ones in the order fixed by the seed."""
    if not pool.machine.knows:
        return stratified(pool, count)
    waiting = pool.waiting()
    values = {image_id: value(image_id) for image_id in waiting}
    return sorted(waiting, key=lambda image_id: -values[image_id])[:count]


def _distances(features: np.ndarray, place: int) -> np.ndarray:
    return np.asarray(np.linalg.norm(features - features[place], axis=1))


ORDERS: Mapping[str, Callable[[Pool, int], list[str]]] = {
    "file": in_file_order,
    "random": at_random,
    "stratified": stratified,
    "uncertainty": most_unsure,
    "diversity": most_diverse,
    "queue": by_the_queue,
    "gain": most_gain,
    "gain_by_label": most_gain_by_label,
}
"""Orders by name."""
NEED_PROPOSALS = ("uncertainty", "queue", "gain", "gain_by_label")
"""Orders that prefer nothing until something is proposed: stratified, or as the catalog has them (queue)."""
