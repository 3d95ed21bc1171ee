"""Superpixels as a graph: cut along seeds, joined where they touch, solved for what each of them is.

A random walker with priors (Grady, CVPR 2005) needs one linear system of the free patches: some hundred unknowns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.masks import Mask
from napari_wsss.pixels.conjugate_gradients import conjugate_gradients
from napari_wsss.pixels.superpixels import Superpixels

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

_CONTRAST = 1.5
_JUST_VISIBLE = 20.0  # squared Lab distance
_LEAST = 1e-3
_TINY = 1e-6
_ROUNDS, _ENOUGH = 300, 1e-4


@dataclass(frozen=True)
class PatchGraph:
    """Patches cut along the seeds: F free nodes first, then one node per patch and value of a seed in it.

    Parameters
    ----------
    nodes : (h, w) int64
        Number of each cell's node.
    fixed : (M,) int64
        The option each seeded node has.
    first, second : (E,) int64
        Pairs of nodes that touch; the first one is free.
    weights : (E,) float32
        How much they want the same answer: large where colours are alike and the border is long.
    colours : (F + M, 3) float32
        Lab colour of each node's patch.
    contrast : float
        Squared distance that neighbouring colours usually have at most.
    """

    nodes: NDArray[np.int64]
    fixed: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    weights: NDArray[np.float32]
    colours: Floats
    contrast: float

    @property
    def free(self) -> int:
        """F, the number of nodes without a seed."""
        return len(self.colours) - len(self.fixed)


def build_graph(patches: Superpixels, seeds: Mask, seeded: Flags, options: NDArray[np.generic]) -> PatchGraph:
    """Return the graph of an image's patches.

    Parameters
    ----------
    seeds : (H, W) uint8
        Mask values where `seeded` (H, W) bool.
    options : (P,) ints
        Mask values, ascending, those of the seeds among them.
    """
    known, values = _seeds_of_cells(patches.stride, seeds, seeded)
    code = patches.numbers * (len(options) + 1)
    code[known] += 1 + np.searchsorted(options, values[known])
    codes, nodes = np.unique(code, return_inverse=True)
    option = codes % (len(options) + 1) - 1  # -1 for free ones
    order = np.argsort(option >= 0, kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    nodes = number[nodes].reshape(patches.numbers.shape)
    free = int(np.count_nonzero(option < 0))
    colours = patches.colours[codes[order] // (len(options) + 1)]
    first, second, lengths = _borders(nodes, free)
    apart = np.square(colours[first] - colours[second]).sum(1)
    # Twice the median, not the mean: a few strong edges must not make the rest look alike.
    contrast = max(_JUST_VISIBLE, 2 * float(np.median(apart))) if len(apart) else _JUST_VISIBLE
    weights = np.maximum(np.exp(-_CONTRAST * apart / contrast), _LEAST) * lengths
    return PatchGraph(nodes, option[order][free:], first, second, weights.astype(np.float32), colours, contrast)


def _seeds_of_cells(stride: int, seeds: Mask, seeded: Flags) -> tuple[Flags, Mask]:
    """Return which cells (h, w) hold a seed, and the value of the first one in each."""
    if stride == 1:
        return seeded, seeds
    height, width = (-(-n // stride) for n in seeds.shape)
    known = np.zeros((height, width), bool)
    values = np.zeros((height, width), np.uint8)
    y, x = (at[::-1] for at in np.nonzero(seeded))  # backwards, so that the first one of a cell is written last
    known[y // stride, x // stride] = True
    values[y // stride, x // stride] = seeds[y, x]
    return known, values


def _borders(nodes: NDArray[np.int64], free: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return the pairs of nodes that touch (the first one free) and how many cells long each border is."""
    pairs = []
    for here, there in ((nodes[1:], nodes[:-1]), (nodes[:, 1:], nodes[:, :-1])):
        differs = here != there
        pairs.append(np.sort(np.stack([here[differs], there[differs]]), axis=0))
    low, high = np.concatenate(pairs, 1)
    count = int(nodes.max()) + 1
    codes, lengths = np.unique((low * count + high)[low < free], return_counts=True)
    return codes // count, codes % count, lengths.astype(np.float32)


def solve(graph: PatchGraph, expected: Floats, weight: Floats) -> Floats:
    """Return the shares (F + M, P) float32 of every node; seeded ones have 1 of their own option.

    Parameters
    ----------
    expected : (F, P) float32
        What is expected of each free node.
    weight : (F,) float32
        How much, in parts of the weight that all neighbours of a node usually have.
    """
    free = graph.free
    fixed = np.eye(len(expected.T), dtype=np.float32)[graph.fixed]
    among = graph.second < free
    first, second, weights = graph.first[among], graph.second[among], graph.weights[among]
    degree = np.bincount(graph.first, graph.weights, free) + np.bincount(second, weights, free)
    usual = float(np.median(degree)) if free else 0.0
    asked = (weight * usual + _TINY).astype(np.float32)
    pull = asked[:, None] * expected
    np.add.at(pull, graph.first[~among], graph.weights[~among, None] * fixed[graph.second[~among] - free])
    diagonal = (degree + asked).astype(np.float32)

    def times(x: Floats) -> Floats:
        rows = [
            np.bincount(first, weights * row[second], free) + np.bincount(second, weights * row[first], free)
            for row in x
        ]
        return (diagonal * x - np.stack(rows)).astype(np.float32)

    found = conjugate_gradients(times, pull.T, expected.T, diagonal, rounds=_ROUNDS, enough=_ENOUGH)
    return np.concatenate([found.T, fixed])
