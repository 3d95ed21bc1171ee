"""Borders drawn to where colours change: a random walker over the pixels of a band (Grady, PAMI 2006).

Pixels outside the band keep their value and pull at those inside; neighbours of like colour want the same answer. What
was there before pulls weakly too, so that thin parts inside the band do not vanish.
"""

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.masks import Mask
from napari_wsss.pixels.conjugate_gradients import conjugate_gradients

Shares = NDArray[np.float32]

MEMORY = 0.02
"""Weight of what was there before, against 1 for a neighbour of the same colour."""
CONTRAST = 4.0
"""How fast weights fall with the squared colour difference, in parts of its mean."""
ABOVE, BELOW, RIGHT = range(3)
_LEAST = np.float32(1e-3)
_ROUNDS = 60
_ENOUGH = 4e-3


def band(values: Mask, radius: int) -> NDArray[np.bool_]:
    """Return (H, W) bool: the pixels within `radius` steps to one of their four neighbours from a change of value."""
    found = np.zeros(values.shape, bool)
    for here, there in _HALVES:
        differs = values[here] != values[there]
        found[here] |= differs
        found[there] |= differs
    for _ in range(radius - 1):
        wider = found.copy()
        for here, there in _HALVES:
            wider[here] |= found[there]
            wider[there] |= found[here]
        found = wider
    return found


_HALVES = ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1]))


def walked(image: NDArray[np.uint8], values: Mask, free: NDArray[np.bool_], shares: Shares | None = None) -> Mask:
    """Return a mask with its `free` pixels answered anew.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    values : (H, W) uint8
        The mask before; outside of `free` it stays.
    free : (H, W) bool
        Pixels to be answered, with one of the values that occur in the mask.
    shares : (P, n) float32 in [0, 1], optional
        What the n free pixels, in C order, were before: a share of each of the P values of ``np.unique(values)``.
        Without it, what the mask says.

    Returns
    -------
    (H, W) uint8
    """
    options = np.unique(values)
    places = np.flatnonzero(free)
    found = values.copy()
    if len(places) and len(options) > 1:
        planes = np.searchsorted(options, values.ravel())
        own = planes[places] == np.arange(len(options))[:, None] if shares is None else shares
        answer = _answer(image, planes, places, own.astype(np.float32))
        found.ravel()[places] = options[answer.argmax(0)]
    return found


def _answer(image: NDArray[np.uint8], planes: NDArray[np.intp], places: NDArray[np.intp], before: Shares) -> Shares:
    """Return (P, n) float32: the share of each value at each place, by conjugate gradients."""
    partners, weights = _edges(image, places)
    number = np.full(planes.size, -1)
    number[places] = np.arange(len(places))
    inside = number[partners]
    pull = np.float32(MEMORY) * before
    for partner, weight, at in zip(partners, weights, inside, strict=True):
        fixed = np.flatnonzero(at < 0)
        pull[planes[partner[fixed]], fixed] += weight[fixed]
    total = weights.sum(0) + np.float32(MEMORY)
    among = np.where(inside < 0, np.float32(0), weights)
    # Left and right neighbours stand side by side in the order of places; only those above and below are looked up.
    beside = among[RIGHT, :-1].copy()
    vertical = [(np.maximum(inside[edge], 0), among[edge]) for edge in (ABOVE, BELOW)]
    found, scratch = np.empty_like(before), np.empty(len(places), np.float32)

    def times(x: Shares) -> Shares:
        np.multiply(total, x, out=found)
        for row, result in zip(x, found, strict=True):
            for at, weight in vertical:
                np.multiply(row.take(at, out=scratch, mode="clip"), weight, out=scratch)
                np.subtract(result, scratch, out=result)
            np.subtract(result[:-1], np.multiply(beside, row[1:], out=scratch[:-1]), out=result[:-1])
            np.subtract(result[1:], np.multiply(beside, row[:-1], out=scratch[:-1]), out=result[1:])
        return found

    return conjugate_gradients(times, pull, before, total, rounds=_ROUNDS, enough=_ENOUGH)


def _edges(image: NDArray[np.uint8], places: NDArray[np.intp]) -> tuple[NDArray[np.intp], Shares]:
    """Return the four neighbours (4, n) of each place, itself beyond the image, and their weights (4, n) in [0, 1]."""
    height, width = image.shape[:2]
    y, x = np.divmod(places, width)
    steps = ((y > 0, -width), (y < height - 1, width), (x < width - 1, 1), (x > 0, -1))  # ABOVE, BELOW, RIGHT, left
    partners = np.stack([np.where(there, places + step, places) for there, step in steps])
    apart = np.zeros(partners.shape, np.float32)
    for channel in np.moveaxis(image, 2, 0).reshape(image.shape[2], -1):
        own = channel[places].astype(np.float32)
        apart += np.square(channel[partners] - own)
    there = np.stack([inside for inside, _ in steps])
    mean = float(apart[there].mean()) if there.any() else 0.0
    alike = np.exp(apart * np.float32(-CONTRAST / mean)) if mean else np.ones_like(apart)
    return partners, np.where(there, np.maximum(alike, _LEAST), np.float32(0))
