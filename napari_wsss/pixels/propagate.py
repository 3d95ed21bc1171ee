"""From a few scribbles to a mask: scribbles are kept, maps are asked, colours decide how far each reaches.

A random walker over superpixels with priors (Grady, CVPR 2005). With neighbouring patches i, j of weight w_ij (large
where their colours are alike and their border is long), seeds s and what is expected e of weight g, the shares x of
every value solve::

    sum_j w_ij (x_i - x_j) + g_i (x_i - e_i) = 0        x_i = s_i where a person scribbled

What is expected of a patch is the likeness of its colour to the seeds of each value (so a scribble reaches like parts
it does not touch), times the shares the maps give it, to a power that says how much maps are believed. The surer that
is, the larger its weight. Each free patch takes the value of its largest share; then the borders between values are
drawn anew pixel by pixel (`pixel_walk`). Seeds keep their value in every pixel.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask
from napari_wsss.pixels.patch_graph import PatchGraph, build_graph, solve
from napari_wsss.pixels.pixel_walk import band, walked
from napari_wsss.pixels.superpixels import Superpixels

Flags = NDArray[np.bool_]
Shares = NDArray[np.float32]

DEFAULT_STRENGTH = 0.5
_WEIGHT = np.float32(0.25)  # of what is expected, against all neighbours of a patch
_BAND = 0.6  # of the width of a patch: how far borders may move to where colours change
_FARTHEST = 3.0  # squared colour distance, in parts of what is usual, beyond which none is farther
_ELSE = 2.4  # that distance for background nobody scribbled: what is like no scribble is background
_LEAST = np.float32(0.05)  # share that maps leave to what they do not expect: a scribble may say otherwise


@dataclass(frozen=True)
class Prior:
    """What is expected before a person says anything.

    Parameters
    ----------
    scores : (P, H, W) float32 >= 0
        One plane per value.
    values : (P,) ints
        Mask values of the planes, ascending.
    """

    scores: Shares
    values: tuple[int, ...]


def prior_of(maps: ActivationMaps, threshold: float, extra: tuple[int, ...] = ()) -> Prior:
    """Return the prior of activation maps: each class its squared score, background the squared threshold.

    Parameters
    ----------
    maps : ActivationMaps
    threshold : float in [0, 1]
        Background threshold of the proposal shown: at this score a class and background are expected alike.
    extra : tuple of int
        Mask values without a map that were scribbled; expected half as much as the strongest other, everywhere.
    """
    planes = {k + 1: np.square(scores) for k, scores in zip(maps.classes, maps.scores, strict=True)}
    background = np.full(maps.size, max(threshold, 0.05) ** 2, np.float32)
    planes[BACKGROUND] = background
    strongest = np.max(list(planes.values()), axis=0)
    planes |= {value: strongest / 2 for value in extra if value not in planes}
    values = tuple(sorted(planes))
    return Prior(np.stack([planes[value] for value in values]), values)


def prior_of_mask(values: Mask) -> Prior:
    """Return the prior that expects a mask (H, W) uint8 as it is."""
    found = tuple(int(value) for value in np.unique(values))
    return Prior(np.stack([(values == value).astype(np.float32) for value in found]), found)


def blended(first: Prior, second: Prior) -> Prior:
    """Return the mean of two priors, each brought to shares first."""
    values = tuple(sorted({*first.values, *second.values}))
    planes = np.zeros((len(values), *first.scores.shape[1:]), np.float32)
    for prior in (first, second):
        shares = prior.scores / np.maximum(prior.scores.sum(0), np.float32(1e-6))
        for value, plane in zip(prior.values, shares, strict=True):
            planes[values.index(value)] += plane / 2
    return Prior(planes, values)


def propagate(
    image: NDArray[np.uint8],
    patches: Superpixels,
    seeds: Mask,
    seeded: Flags,
    prior: Prior | None = None,
    strength: float = DEFAULT_STRENGTH,
) -> Mask:
    """Return the mask (H, W) uint8 that seeds, prior and colours speak for.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    patches : Superpixels
        Of the image.
    seeds : (H, W) uint8
        Mask values where `seeded`; ignored elsewhere.
    seeded : (H, W) bool
        Pixels that keep their value.
    prior : Prior, optional
        Without it, seeds and colours decide.
    strength : float in [0, 1]
        How much the prior is believed; 0 asks seeds and colours alone.

    Returns
    -------
    (H, W) uint8
        Only values that seeds or prior have, and background.
    """
    if strength <= 0:
        prior = None
    options = np.unique([BACKGROUND, *np.unique(seeds[seeded]), *(prior.values if prior else ())])
    graph = build_graph(patches, seeds, seeded, options)
    expected = _likeness(graph, len(options), int(np.searchsorted(options, BACKGROUND)))
    if prior is not None:
        expected *= np.maximum(_prior_shares(patches, graph, prior, options), _LEAST) ** np.float32(2 * strength)
    expected /= expected.sum(1, keepdims=True)
    sure = (expected.max(1) * len(options) - 1) / max(1, len(options) - 1)
    shares = solve(graph, expected, _WEIGHT * sure)
    coarse = options[shares.argmax(1)].astype(np.uint8)[graph.nodes]
    found = patches.enlarged(coarse)
    found[seeded] = seeds[seeded]
    free = band(found, max(1, round(_BAND * patches.side))) & ~seeded
    y, x = (at // patches.stride for at in np.nonzero(free))
    present = np.searchsorted(options, np.unique(found))
    return walked(image, found, free, shares[graph.nodes[y, x]][:, present].T)


def _prior_shares(patches: Superpixels, graph: PatchGraph, prior: Prior, options: NDArray[np.generic]) -> Shares:
    """Return what the prior expects of each free node (F, P), as shares."""
    where = graph.nodes < graph.free
    at = graph.nodes[where]
    shares = np.zeros((graph.free, len(options)), np.float32)
    for value, plane in zip(prior.values, patches.shrunk(prior.scores), strict=True):
        shares[:, np.searchsorted(options, value)] = np.bincount(at, plane[where], graph.free)
    shares /= np.maximum(shares.sum(1, keepdims=True), np.float32(1e-9))
    return shares


def _likeness(graph: PatchGraph, options: int, background: int) -> Shares:
    """Return how much the colour of each free node speaks for each option (F, P), in (0, 1].

    The seed of an option that is most alike counts. Seeds speak for their option, never against it elsewhere: an option
    without a seed counts like one whose seeds are all unlike.
    """
    apart = np.full((graph.free, options), _FARTHEST, np.float32)
    apart[:, background] = _ELSE
    colours, seeded = graph.colours[: graph.free], graph.colours[graph.free :]
    for option in np.unique(graph.fixed):
        nearest = np.full(graph.free, _FARTHEST, np.float32)
        for colour in np.unique(seeded[graph.fixed == option], axis=0):
            np.minimum(nearest, np.square(colours - colour).sum(1) / np.float32(graph.contrast), out=nearest)
        apart[:, option] = nearest
    return np.exp(-apart)


def around_scribbles(found: Mask, before: Mask, scribbled: Flags) -> Mask:
    """Return the mask `before` with the answer `found` only where it hangs together with a scribble.

    An object is taken over whole: its region in the answer, and what it loses of the region it had before. Background,
    which is connected everywhere, is taken over only where it takes something away and reaches a scribble through what
    it takes away.

    Parameters
    ----------
    found, before : (H, W) uint8
    scribbled : (H, W) bool
        Where `found` has the value of a scribble.
    """
    from skimage.measure import label

    result = before.copy()
    for value in np.unique(found[scribbled]):
        seeds = scribbled & (found == value)
        if value == BACKGROUND:
            region = ((found == value) & (before != value)) | seeds
        else:
            region = (found == value) | (before == value)
        parts: NDArray[np.intp] = label(region, connectivity=1)
        touched = np.zeros(int(parts.max()) + 1, bool)
        touched[parts[seeds]] = True
        touched[0] = False
        taken = touched[parts]
        result[taken] = found[taken]
    return result
