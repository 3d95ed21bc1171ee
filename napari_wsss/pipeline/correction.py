"""What one corrected mask says about other images: features of what belongs to each class, and of what does not.

Every mask value gets a few prototypes, mean features of unit length: of cells the machine had right, and apart from
these of cells a person changed, because what was proposed wrongly is what is to be found in other images. A cell of
another image speaks for the value whose nearest prototype is most like it, so what was rejected speaks against the
class it had been proposed as. A class that is left nowhere in the mask is known by what was rejected alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask

Floats = NDArray[np.float32]
KEPT, CHANGED = 4, 3
"""Most prototypes of a value: of cells that were right, and of cells that a person changed."""
_PURE = 0.6
"""Share of a cell's pixels that must have one value."""
_STRENGTH = 8.0
"""How much a difference of similarities counts: 0.1 halves the score of the value that is less like it."""
_NEUTRAL = 0.5
"""A cell that is less like a rejected prototype than this is not held against its class."""
_LEAST = 0.1
"""Added to every score, so that evidence can also raise what an image's own maps left out."""
_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Prototypes:
    """Features by which mask values are recognised.

    Parameters
    ----------
    mean : (D,) float32
        Subtracted from features before they are compared: what all of them share tells nothing.
    vectors : mapping of int to (n, D) float32
        Mask value to its prototypes, of length one.
    rejected : mapping of int to (n, D) float32
        Mask values that were proposed and are left nowhere, to prototypes of where they were proposed.
    """

    mean: Floats
    vectors: Mapping[int, Floats]
    rejected: Mapping[int, Floats] = field(default_factory=dict)


def learn_prototypes(features: Floats, mask: Mask, proposal: Mask | None = None) -> Prototypes:
    """Return the prototypes of a corrected image.

    Parameters
    ----------
    features : (D, h, w) float32
    mask : (H, W) uint8
        As the person left it; ignored pixels teach nothing.
    proposal : (H, W) uint8, optional
        What the machine had proposed.
    """
    mean = features.mean((1, 2)).astype(np.float32)
    cells = _directions(features, mean)
    changed = np.zeros(features.shape[1:], bool) if proposal is None else _share(proposal != mask, features) > 0.5
    found: dict[int, Floats] = {}
    for value in _values(mask):
        inside = _inside(mask == value, features)
        parts = [_centres(cells[:, inside & ~changed].T, KEPT), _centres(cells[:, inside & changed].T, CHANGED)]
        found[value] = np.concatenate(parts)
    gone = set() if proposal is None else set(_values(proposal)) - set(_values(mask)) - {BACKGROUND}
    judged = mask != IGNORE
    rejected = {
        value: _centres(cells[:, _inside((proposal == value) & judged, features)].T, CHANGED) for value in sorted(gone)
    }
    return Prototypes(mean, _without_empty(found), _without_empty(rejected))


def _values(mask: Mask) -> list[int]:
    return [int(value) for value in np.unique(mask) if value != IGNORE]


def _inside(where: NDArray[np.bool_], features: Floats) -> NDArray[np.bool_]:
    """Return the cells (h,w) that lie in a region (H,W); for one smaller than a cell, the cell that has most of it."""
    share = _share(where, features)
    return (share > 0) & (share >= min(_PURE, float(share.max())))


def _without_empty(found: Mapping[int, Floats]) -> dict[int, Floats]:
    return {value: vectors for value, vectors in found.items() if len(vectors)}


def relative_evidence(prototypes: Prototypes, features: Floats) -> dict[int, Floats]:
    """Return a factor (h, w) float32 in (0, 1] per known mask value; 1 for the value a cell is most like.

    Parameters
    ----------
    prototypes : Prototypes
    features : (D, h, w) float32
        Of another image, by the same network.
    """
    cells = _directions(features, prototypes.mean)
    alike = {value: _likeness(vectors, cells) for value, vectors in prototypes.vectors.items()}
    against = {value: _NEUTRAL - _likeness(vectors, cells) for value, vectors in prototypes.rejected.items()}
    best = np.max(list(alike.values()), axis=0) if alike else np.float32(0)
    differences = {value: one - best for value, one in alike.items()} | against
    return {value: np.exp(_STRENGTH * np.minimum(one, 0)).astype(np.float32) for value, one in differences.items()}


def _likeness(vectors: Floats, cells: Floats) -> Floats:
    """Return the cosine (h,w) of cells (D,h,w) with the prototype of (n,D) that each is most like."""
    return np.asarray(np.einsum("nd,dhw->nhw", vectors, cells).max(0), np.float32)


def with_evidence(maps: ActivationMaps, factors: Mapping[int, Floats]) -> ActivationMaps:
    """Return maps whose scores and background are multiplied by the factors of their mask values.

    Classes without a factor keep their scores, and no class comes in that the maps do not have.

    Parameters
    ----------
    maps : ActivationMaps
        With a background.
    factors : mapping of int to (h, w) float32
        As `relative_evidence` returns them.
    """
    assert maps.background is not None
    scores = (maps.scores + _LEAST) / (1 + _LEAST)
    for row, k in enumerate(maps.classes):
        if k + 1 in factors:
            scores[row] *= _enlarged(factors[k + 1], maps.size)
    background = (maps.background + _LEAST) / (1 + _LEAST)
    if BACKGROUND in factors:
        background = background * _enlarged(factors[BACKGROUND], maps.size)
    return maps.with_scores(scores, background.astype(np.float32))


def _directions(features: Floats, mean: Floats) -> Floats:
    """Return features (D,h,w) without what they share, of unit length."""
    centred = features - mean[:, None, None]
    lengths = np.linalg.norm(centred, axis=0)
    return np.asarray(centred / np.maximum(lengths, np.finfo(np.float32).eps), np.float32)


def _share(where: NDArray[np.bool_], features: Floats) -> Floats:
    """Return the share of True among the pixels (H,W) of each cell of the features' grid (h,w)."""
    height, width = features.shape[1:]
    picture = Image.fromarray(where.astype(np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX), np.float32)


def _enlarged(factor: Floats, size: tuple[int, int]) -> Floats:
    picture = Image.fromarray(np.ascontiguousarray(factor, np.float32))
    return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR), np.float32)


def _centres(vectors: Floats, most: int) -> Floats:
    """Return at most `most` directions (n,D) that stand for unit vectors (m,D): spherical k-means from far-off starts.

    The start is the vector nearest to the mean, then always the one least like those chosen, so equal input gives
    equal output.
    """
    if not len(vectors):
        return vectors
    chosen = [int((vectors @ vectors.mean(0)).argmax())]
    alike = vectors @ vectors[chosen[0]]
    while len(chosen) < min(most, len(vectors)) and alike.min() < 1 - 1e-4:
        chosen.append(int(alike.argmin()))
        alike = np.maximum(alike, vectors @ vectors[chosen[-1]])
    centres = vectors[chosen]
    for _ in range(_ROUNDS):
        nearest = (vectors @ centres.T).argmax(1)
        sums = np.stack(
            [vectors[nearest == n].sum(0) if (nearest == n).any() else centres[n] for n in range(len(centres))]
        )
        centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.finfo(np.float32).eps)
    return centres.astype(np.float32)
