"""How activation maps are kept: scores as whole numbers of steps, of a coarse grid its cells alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.project.results.array_files import MOST_ARRAY_BYTES

_STEPS = 4096
SCORE_ERROR = 0.5 / _STEPS
"""Of scores in [0, 1], which are kept as whole numbers of steps: they pack better than half precision, and quicker."""
_ROUNDING = 1e-6


def as_stored(maps: ActivationMaps) -> ActivationMaps:
    """Return maps as they are read back once they were kept."""
    if maps.cells is not None:
        cells = _scores(_stepped(maps.cells))
        if np.array_equal(cells, maps.cells):
            return maps
        return ActivationMaps.of_cells(cells, maps.classes, maps.size, maps.undecided)
    background = None if maps.background is None else _scores(_stepped(maps.background))
    return replace(maps, scores=_scores(_stepped(maps.scores)), background=background)


def arrays_of(maps: ActivationMaps) -> dict[str, NDArray[np.generic]]:
    """Return what is kept of maps, by name: ``classes``, and ``scores`` or the ``cells`` they are enlarged from.

    Scores in [0, 1] are kept to within `SCORE_ERROR`, others in full; background and undecided pixels where there are.
    """
    arrays: dict[str, NDArray[np.generic]] = {"classes": np.asarray(maps.classes, np.int64)}
    if maps.cells is not None:
        arrays |= {"cells": _stepped(maps.cells), "size": np.asarray(maps.size, np.int64)}
    else:
        arrays["scores"] = _stepped(maps.scores)
    if maps.cells is None and maps.background is not None:
        arrays["background"] = _stepped(maps.background)
    if maps.undecided is not None:
        arrays["undecided"] = maps.undecided
    return arrays


def maps_of(arrays: Mapping[str, NDArray[Any]]) -> ActivationMaps:
    """Return the maps that arrays by `arrays_of` were kept of.

    Raises
    ------
    KeyError, ValueError
        When one is missing, they do not fit together, or hold values that are no numbers.
    """
    classes, undecided = tuple(arrays["classes"]), arrays.get("undecided")
    if "cells" in arrays:
        return _enlarged(_scores(arrays["cells"]), classes, arrays["size"], undecided)
    background = _scores(arrays["background"]) if "background" in arrays else None
    return ActivationMaps(_scores(arrays["scores"]), classes, background, undecided)


def is_sound(maps: ActivationMaps) -> bool:
    """Return True when all scores are finite numbers."""
    if maps.cells is not None:
        return bool(np.isfinite(maps.cells).all())
    return bool(np.isfinite(maps.scores).all() and (maps.background is None or np.isfinite(maps.background).all()))


def _enlarged(
    cells: NDArray[np.float32], classes: tuple[int, ...], size: NDArray[np.int64], undecided: NDArray[np.bool_] | None
) -> ActivationMaps:
    """Return maps of the cells that were kept, after a look at how large they become."""
    height, width = (int(side) for side in size)
    if not (0 < cells.shape[1] <= height and 0 < cells.shape[2] <= width):
        raise ValueError(f"cells of {cells.shape[1:]} do not cover an image of {height} x {width} pixels")
    if len(cells) * height * width * cells.itemsize > MOST_ARRAY_BYTES:
        raise ValueError(
            f"{len(cells)} maps of {height} x {width} pixels are more than the {MOST_ARRAY_BYTES} expected"
        )
    return ActivationMaps.of_cells(cells, classes, (height, width), undecided)


def _stepped(scores: NDArray[np.float32]) -> NDArray[np.generic]:
    """Return scores in [0, 1] as whole numbers (uint16) of steps, others as they are."""
    if not (scores.min(initial=0) >= -_ROUNDING and scores.max(initial=0) <= 1 + _ROUNDING):
        return scores.astype(np.float32, copy=False)
    return (scores * np.float32(_STEPS) + np.float32(0.5)).astype(np.uint16)


def _scores(kept: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return the scores (float32) that were kept by `_stepped`, or in half precision as before."""
    scores = kept.astype(np.float32)
    if kept.dtype == np.uint16:
        return scores / np.float32(_STEPS)
    if not np.isfinite(scores).all():
        raise ValueError("scores hold values that are no numbers (NaN)")
    return scores
