"""How a network is run over one image, and beside which others: declared without torch, for forms and commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.parameters import parameter

PRESETS = ("full", "fast", "single")
PRECISIONS = ("auto", "float32", "bfloat16")

_SCALES = "Factors on the image size; the results of all scales are merged."
_FLIP = "Also run the mirrored image and merge both results: better maps, twice the time."
_TURNS = "With flip: every scale sees one view only, the image, mirrored, mirrored, the image again: half the time."
_PRESET = (
    "full sees every scale twice, mirrored too; fast mirrors in turns, in half the time; single is one pass at scale "
    "1, a tenth of the time, for a first look."
)
_BUDGET = "Pixels of one forward pass; larger images are cut into overlapping tiles. Less needs less memory."
_OVERLAP = "How far neighbouring tiles overlap, in pixels of the scaled image."
_SIDE = (
    "Longer side in pixels that images are brought to at scale 1 for a localizer's maps and features; 0 takes the size "
    "it was trained at."
)
_PRECISION = (
    "auto takes bfloat16 only where the device computes it clearly faster and a quick trial gives the same result."
)


@dataclass(frozen=True)
class Inference:
    """Multi-scale inference of activation maps."""

    preset: str = parameter("full", "Preset", _PRESET, choices=PRESETS)
    scales: tuple[float, ...] = parameter((0.5, 1.0, 1.5, 2.0), "Scales", _SCALES, bounds=(0.1, 4.0))
    flip: bool = parameter(True, "Flip", _FLIP)
    pixel_budget: int = parameter(1_500_000, "Pixels per pass", _BUDGET, bounds=(4096, None), advanced=True)
    tile_overlap: int = parameter(160, "Tile overlap", _OVERLAP, bounds=(0, 1024), advanced=True)
    precision: str = parameter("auto", "Precision", _PRECISION, choices=PRECISIONS, advanced=True)
    working_side: int = parameter(0, "Working size", _SIDE, bounds=(0, 8192), advanced=True)
    in_turns: bool = parameter(False, "Flip in turns", _TURNS, advanced=True)

    def __post_init__(self) -> None:
        _check_scales(self.scales)

    def resolved(self) -> Inference:
        """Return what the preset means, spelt out."""
        if self.preset == "single":
            return replace(self, scales=(1.0,), flip=False)
        return replace(self, in_turns=True) if self.preset == "fast" else self

    def views(self, at: int) -> tuple[bool, ...]:
        """Return which views scale number `at` sees: False is the image, True the mirrored one."""
        if self.flip and self.in_turns:
            # Thue and Morse's order: the four usual scales are shared so that both views see the same sum of them.
            return (at.bit_count() % 2 == 1,)
        return _views(flip=self.flip)


@dataclass(frozen=True)
class SegmentInference:
    """Inference of class probabilities by a segmentation network."""

    scales: tuple[float, ...] = parameter((1.0,), "Scales", _SCALES, bounds=(0.1, 4.0))
    flip: bool = parameter(False, "Flip", _FLIP)
    pixel_budget: int = parameter(1_500_000, "Pixels per pass", _BUDGET, bounds=(4096, None), advanced=True)
    tile_overlap: int = parameter(160, "Tile overlap", _OVERLAP, bounds=(0, 1024), advanced=True)
    precision: str = parameter("auto", "Precision", _PRECISION, choices=PRECISIONS, advanced=True)

    def __post_init__(self) -> None:
        _check_scales(self.scales)

    def resolved(self) -> SegmentInference:
        """Return the same settings (there are no presets)."""
        return self

    def views(self, at: int) -> tuple[bool, ...]:
        """Return which views scale number `at` sees: False is the image, True the mirrored one."""
        return _views(flip=self.flip)


def _views(*, flip: bool) -> tuple[bool, ...]:
    return (False, True) if flip else (False,)


def _check_scales(scales: tuple[float, ...]) -> None:
    if not scales:
        raise ParameterError("There is no scale to run at; give at least one, for example 1.0.", name="scales")


@dataclass(frozen=True)
class Companion:
    """Another image that shares a class with the one whose maps are wanted.

    Parameters
    ----------
    content : str
        What identifies its pixels (a hash).
    labels : tuple of int
        0-based indices of the classes it is chosen for, among those the localizer knows.
    read : callable
        Returns its pixels (H,W,3) uint8 RGB.
    """

    content: str
    labels: tuple[int, ...]
    read: Callable[[], NDArray[np.uint8]]
