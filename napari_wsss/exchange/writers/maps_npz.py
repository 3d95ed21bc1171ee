"""Activation maps as NumPy archives that need no pickle: scores, classes and their names."""

import io
from typing import ClassVar

import numpy as np

from napari_wsss.exchange.writers.base import Item, Kind, Writer

MAP_FOLDER = "maps"


class MapsNpz(Writer):
    """``maps/x.npz``: ``scores`` (K,H,W) float32, ``classes`` (K,) 0-based, ``names`` (K,), ``background`` (H,W)."""

    title = "Activation maps (npz)"
    judge: ClassVar[str] = "NumPy"
    kind: ClassVar[Kind] = "maps"

    def add(self, item: Item) -> None:
        """Write the maps of one image."""
        maps = item.maps
        arrays = {
            "scores": maps.scores,
            "classes": np.asarray(maps.classes, np.int64),
            "names": np.asarray(self.classes.names_of(maps.classes), np.str_),
        }
        if maps.background is not None:
            arrays["background"] = maps.background
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        self.put(f"{MAP_FOLDER}/{item.name}.npz", file.getvalue())
