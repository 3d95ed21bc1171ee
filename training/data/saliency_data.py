"""What a saliency network learns from: pictures, class-free masks, their bodies and details, and batches of them.

As published (LDF, Wei et al., CVPR 2020): at a random place at most an eighth of height and width is cut away, every
second sample is mirrored, and all samples of a batch become squares of one side, whatever their shape. The sides are
the multiples of 32 between the smallest and the largest scale times the crop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.weights.normalisation import Normalisation
from training.augment import Augmentation, drawn_turn, jittered
from training.data.label_decoupling import FULL, decoupled, stored
from training.data.picture_memory import PictureMemory
from training.data.saliency_examples import Examples
from training.data.samplers import BatchOrder, sample_rng

Pixels = NDArray[np.uint8]
Part = Callable[[str], Pixels]
SIDE_STEP = 32
CUT = 8
"""One part in so many of height and width may be cut away."""


@dataclass(frozen=True)
class SaliencyArrays:
    """Images (B,3,S,S) float32 and four maps (B,S,S) float32 in [0, 1]: masks, bodies, details, pixel weights."""

    images: NDArray[np.float32]
    masks: NDArray[np.float32]
    bodies: NDArray[np.float32]
    details: NDArray[np.float32]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class Parts:
    """Body and detail (H, W) uint8 of an example, by its name."""

    body: Part
    detail: Part


def split_parts(examples: Examples, longest_side: int) -> Parts:
    """Return the parts of the examples' masks, split once each; ignored pixels are no part of the object."""
    memory = PictureMemory(longest_side)

    def part(index: int) -> Part:
        return lambda name: memory.kept((index, name), lambda: stored(decoupled(examples.mask(name))[index]))

    return Parts(part(0), part(1))


class SaliencyData:
    """Examples and their batches.

    Parameters
    ----------
    examples : Examples
    names : sequence of str
        Those that train.
    parts : Parts
        Their targets besides the mask.
    """

    def __init__(self, examples: Examples, names: tuple[str, ...], parts: Parts) -> None:
        self._examples, self._names, self._parts = examples, names, parts

    def batch(self, step: int, order: BatchOrder, view: SquareView) -> SaliencyArrays:
        """Return the batch of `step`."""
        side = view.side(step)
        samples = [self._sample(index, step, at, side, view) for at, index in order.own(step)]
        return SaliencyArrays(*(np.stack(each) for each in zip(*samples, strict=True)))

    def _sample(
        self, index: int, step: int, position: int, side: int, view: SquareView
    ) -> tuple[NDArray[np.float32], ...]:
        name, examples, parts = self._names[index], self._examples, self._parts
        maps = (examples.mask(name), parts.body(name), parts.detail(name), examples.known(name))
        return view(examples.image(name), maps, side, sample_rng(view.seed, step, position))


@dataclass(frozen=True)
class SquareView:
    """How examples become network input.

    Parameters
    ----------
    augmentation : Augmentation
        Its scale refers to the crop.
    normalisation : Normalisation
    seed : int
    """

    augmentation: Augmentation
    normalisation: Normalisation
    seed: int

    def sides(self) -> tuple[int, ...]:
        """Return the sides batches may have."""
        low, high = sorted((self.augmentation.scale_low, self.augmentation.scale_high))
        ends = (side * self.augmentation.crop / SIDE_STEP for side in (low, high))
        first, last = (int(np.rint(end)) for end in ends)
        steps = range(max(1, first), max(1, first, last) + 1)
        return tuple(dict.fromkeys(self.normalisation.fit_size(n * SIDE_STEP, n * SIDE_STEP)[0] for n in steps))

    def side(self, step: int) -> int:
        """Return the side of the batch of `step`."""
        sides = self.sides()
        return sides[int(np.random.default_rng((self.seed, 2, step)).integers(len(sides)))]

    def __call__(
        self, image: Pixels, maps: tuple[Pixels, ...], side: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], ...]:
        """Return the normalised (3, side, side) float32 image and each map (side, side) float32 in [0, 1]."""
        box = _random_box(image.shape[0], image.shape[1], rng)
        mirrored = self.augmentation.flip and rng.random() < 0.5
        pixels = jittered(_square(image, box, side), self.augmentation.colour, rng)
        turn = drawn_turn(self.augmentation, mirrored, rng)
        others = [turn(_square(each, box, side)).astype(np.float32) / np.float32(FULL) for each in maps]
        return self.normalisation.apply(turn(pixels)), *others


def _random_box(height: int, width: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom) of a random crop."""
    cut_rows, cut_columns = int(rng.integers(height // CUT + 1)), int(rng.integers(width // CUT + 1))
    top, left = int(rng.integers(cut_rows + 1)), int(rng.integers(cut_columns + 1))
    return left, top, width - (cut_columns - left), height - (cut_rows - top)


def _square(pixels: Pixels, box: tuple[int, int, int, int], side: int) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR, box=box))
