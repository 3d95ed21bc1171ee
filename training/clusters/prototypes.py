"""From local features to prototypes (LPCAM, section 3.2): draw positions, cluster them, let the classifier judge."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_wsss.core.files import publish
from napari_wsss.localize.base import Localizer
from napari_wsss.networks.dense import evaluating
from napari_wsss.project.results.array_files import read_arrays
from training.clusters.clustering import k_means, unit

Features = NDArray[np.float32]
Side = Literal["inside", "outside"]
SIDES: tuple[Side, Side] = ("inside", "outside")
_LARGEST = float(np.finfo(np.float16).max)
_CELLS = 8
"""Side in cells of the uniform image by which a centre is judged; large enough for a head of 3x3 convolutions."""


class Samples:
    """Features drawn from images, one file per image, so that a stopped run does not draw them again.

    Parameters
    ----------
    folder : Path
        Made when the first image is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, image: int) -> bool:
        """Tell whether image number `image` is kept."""
        return self._path(image).exists()

    def keep(self, image: int, drawn: Mapping[tuple[Side, int], Features]) -> None:
        """Keep the features (n, C') drawn from an image by side and class, as float16."""
        self._folder.mkdir(parents=True, exist_ok=True)
        arrays = {
            f"{side}-{k}": np.clip(features, -_LARGEST, _LARGEST).astype(np.float16)
            for (side, k), features in drawn.items()
        }
        with publish(self._path(image)) as file:
            # numpy's own annotation reads the spread arrays as its `allow_pickle` argument.
            np.savez(file, **arrays)  # type: ignore[arg-type]

    def of(self, side: Side, k: int, images: Sequence[int], channels: int) -> Features:
        """Return the features (n, C') float32 of class `k` on one side, from all of these images."""
        found = [np.zeros((0, channels), np.float16)]
        for image in images:
            found += read_arrays(self._path(image), only=f"{side}-{k}").values()
        return np.concatenate(found).astype(np.float32)

    def _path(self, image: int) -> Path:
        return self._folder / f"{image:07d}.npz"


def shares_of(labelled: Sequence[Sequence[int]], wanted: int, seed: int) -> list[dict[int, int]]:
    """Return how many positions each image gives to each of its classes, by class, so that memory has a bound.

    All images of a class give alike, so together less than twice what is wanted. Of a class with more images than that
    a sample of them, fixed by the seed, gives one position each; a class an image gives nothing to is left out.

    Parameters
    ----------
    labelled : sequence of sequences of int
        Classes of each image.
    wanted : int
        Positions for each class.
    seed : int
    """
    shares: list[dict[int, int]] = [{} for _ in labelled]
    for k in sorted({k for classes in labelled for k in classes}):
        images = [at for at, classes in enumerate(labelled) if k in classes]
        share = ceil(wanted / len(images))
        if len(images) > wanted:
            images = np.random.default_rng([seed, k]).choice(images, wanted, replace=False).tolist()
        for at in images:
            shares[at][k] = share
    return shares


def drawn_features(
    features: Features,
    maps: Mapping[int, NDArray[np.float32]],
    threshold: float,
    shares: Mapping[int, int],
    rng: np.random.Generator,
) -> dict[tuple[Side, int], Features]:
    """Return features at random positions inside and outside the map of every class of an image.

    Parameters
    ----------
    features : (C', h, w) float32
    maps : mapping of int to (h, w) float32 in [0, 1]
        By class; a class that fires nowhere gives nothing.
    threshold : float
        Smallest value of a map inside.
    shares : mapping of int to int
        By class: the most positions that are drawn on either side.
    """
    columns, drawn = features.reshape(len(features), -1), {}
    for k, values in maps.items():
        if not values.any():
            continue
        inside = (values >= threshold).ravel()
        for side, where in zip(SIDES, (inside, ~inside), strict=True):
            places = np.flatnonzero(where)
            chosen = rng.permutation(places)[: shares[k]]
            drawn[side, k] = np.ascontiguousarray(columns[:, chosen].T)
    return drawn


@dataclass(frozen=True)
class Choice:
    """The prototypes of one class and of its context, and how many clusters they were chosen from.

    Parameters
    ----------
    prototypes, context : (n, C') float32
    features, clusters : (int, int)
        Inside and outside.
    notes : tuple of str
        What did not go as the paper has it.
    """

    prototypes: Features
    context: Features
    features: tuple[int, int]
    clusters: tuple[int, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """How features become prototypes.

    Parameters
    ----------
    cluster_count : int
        Clusters on each side (K).
    class_score, context_score : float
        mu_f and mu_b.
    context_floor : float
        The least the judge must be sure of the class at a centre outside for it to be context.
    seed : int
    judge : callable
        Centres (n, C') -> probabilities (n, C), see `judged`.
    """

    cluster_count: int
    class_score: float
    context_score: float
    context_floor: float
    seed: int
    judge: Callable[[Features], NDArray[np.float32]]

    def __call__(self, k: int, inside: Features, outside: Features) -> Choice:
        """Return the prototypes of class `k` from its features (n, C') inside and outside its maps.

        Where no centre passes its test, the one that comes nearest to passing is taken.
        """
        centres, around = (centres_of(values, self.cluster_count, self.seed) for values in (inside, outside))
        notes = []
        if not len(centres):
            notes.append("no features: its classifier weights stand in")
        kept, fell_back = self._passing(centres, self.judge(centres)[:, k] - self.class_score)
        if fell_back:
            notes.append("no cluster is surely the class: its best one is taken")
        sure = self.judge(around)[:, k]
        margin = np.minimum(self.context_score - sure, sure - self.context_floor)
        context, fell_back = self._passing(around, margin, strict=True)
        if fell_back:
            notes.append("no cluster outside is surely its context: the nearest to that is taken")
        features, clusters = (len(inside), len(outside)), (len(centres), len(around))
        return Choice(kept, context, features, clusters, tuple(notes))

    @staticmethod
    def _passing(centres: Features, margin: NDArray[np.float32], *, strict: bool = False) -> tuple[Features, bool]:
        passed = margin > 0 if strict else margin >= 0
        if passed.any() or not len(centres):
            return centres[passed], False
        return centres[[int(margin.argmax())]], True


def centres_of(features: Features, count: int, seed: int) -> Features:
    """Return the centres (at most `count`, C') of clusters of features (n, C').

    Clustered by direction, as they are compared later; the centre is the mean of the features as they are, as the
    classifier reads them.
    """
    if not len(features):
        return features
    found, _ = k_means(unit(features), count, seed)
    return np.stack([features[found == cluster].mean(0) for cluster in range(int(found.max()) + 1)])


def judged(base: Localizer, centres: Features) -> NDArray[np.float32]:
    """Return how sure a classifier is (n, C), by softmax, that features (n, C') are of each class.

    It is asked about an image that has this feature everywhere: for a linear classifier the product with its weights,
    and for any other what it makes of it. A single class has nothing to be compared with; there it is the sigmoid.
    """
    if not len(centres):
        return np.zeros((0, base.class_count), np.float32)
    device = next(base.parameters()).device
    blank = torch.zeros(1, 3, 1, 1, device=device)
    logits = []
    with evaluating(base), torch.inference_mode():
        for centre in torch.from_numpy(centres).to(device):
            with seeing_only(base, centre):
                logits.append(base.classify(blank)[0].float())
    stacked = torch.stack(logits)
    return (stacked.softmax(1) if base.class_count > 1 else stacked.sigmoid()).cpu().numpy()


@contextmanager
def seeing_only(base: Localizer, feature: Tensor) -> Iterator[None]:
    """Let the trunk of `base` return `feature` (C',) everywhere, and zeros at the taps before its last."""
    trunk = base.trunk

    def features(images: Tensor, taps: Sequence[str]) -> dict[str, Tensor]:
        last = {trunk.linear_tap, "last"}
        grid = (len(images), -1, _CELLS, _CELLS)
        return {
            tap: feature[None, :, None, None].expand(grid)
            if tap in last
            else feature.new_zeros(len(images), trunk.taps[tap], _CELLS, _CELLS)
            for tap in taps
        }

    stand_in = copy.copy(trunk)
    object.__setattr__(stand_in, "features", features)
    base.trunk = stand_in
    try:
        yield
    finally:
        base.trunk = trunk
