"""What becomes of one prediction on disk: palette PNGs, probabilities or maps as npz, one grey PNG per class.

The npz holds ``scores`` (K,H,W) float16 in [0, 1], ``classes`` (K,) int64 (their 0-based indices), ``names`` (K,) and,
of a segmenter, ``background`` (H,W) float16.
"""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.files import publish_bytes
from napari_wsss.core.inside import below
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import encode_mask
from napari_wsss.pixels.large_zarr import SUFFIX

MASKS, SCORES, MAPS, PICTURES = "masks", "scores", "maps", "class_pictures"
LARGE: Mapping[str, str] = {"tiff": ".tif", "ome-zarr": SUFFIX}
"""Format -> what the names of its masks end with."""
_FULL = 255
_UNUSUAL = re.compile(r"[^\w.-]+")
_LONGEST = 60  # characters of a class in a file name


@dataclass(frozen=True)
class Wanted:
    """What is written of each picture.

    Parameters
    ----------
    masks : bool
        The most probable class of every pixel (segmenters).
    scores : bool
        Probabilities (segmenters) or maps as npz.
    pictures : bool
        One grey PNG per class: 255 is 1.
    large : str
        A format of `LARGE`: what masks of pictures become that are larger than the memory.
    """

    masks: bool
    scores: bool
    pictures: bool
    large: str = "tiff"


def places_of(folder: Path, name: str, kind: str, wanted: Wanted) -> dict[str, Path]:
    """Return where a prediction called `name` is written: files, and the folder of its pictures."""
    found = {MASKS: below(folder, f"{MASKS}/{name}.png")} if wanted.masks else {}
    if wanted.scores:
        found[SCORES] = below(folder, f"{SCORES if kind == 'segment' else MAPS}/{name}.npz")
    if wanted.pictures:
        found[PICTURES] = below(folder, f"{PICTURES}/{name}")
    return found


def write_prediction(places: Mapping[str, Path], maps: ActivationMaps, classes: ClassList) -> None:
    """Write maps to places as `places_of` names them."""
    if MASKS in places:
        publish_bytes(places[MASKS], encode_mask(maps.to_mask(), classes))
    if PICTURES in places:
        places[PICTURES].mkdir(parents=True, exist_ok=True)
        for value, plane in _planes(maps):
            title = _UNUSUAL.sub("_", classes.name_of(value))[:_LONGEST]
            publish_bytes(places[PICTURES] / f"{value:03d}_{title}.png", _as_png(plane))
    if SCORES in places:
        publish_bytes(places[SCORES], _as_npz(maps, classes))


def _as_npz(maps: ActivationMaps, classes: ClassList) -> bytes:
    arrays: dict[str, NDArray[np.generic]] = {
        "scores": maps.scores.astype(np.float16),
        "classes": np.asarray(maps.classes, np.int64),
        "names": np.asarray(classes.names_of(maps.classes), np.str_),
    }
    if maps.background is not None:
        arrays["background"] = maps.background.astype(np.float16)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _planes(maps: ActivationMaps) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the mask value of each map, and the map; the background's is 0."""
    if maps.background is not None:
        yield 0, maps.background
    yield from ((k + 1, plane) for k, plane in zip(maps.classes, maps.scores, strict=True))


def _as_png(plane: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.rint(plane * _FULL).astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()
