"""The ``class boundaries`` layer: there while a person looks at what random walks do not cross."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_wsss.widgets import looks


class BoundaryLayer:
    """Shows boundaries (h, w) of a grid stretched over the image.

    Parameters
    ----------
    add, remove : callable
        Put a layer into the viewer, below the proposal, and take it out.

    Attributes
    ----------
    layer : Image or None
        None while no boundaries are shown.
    """

    def __init__(self, add: Callable[[Image], None], remove: Callable[[Image], None]) -> None:
        self.layer: Image | None = None
        self._add, self._remove = add, remove

    def feed(self, values: NDArray[np.float32] | None, size: tuple[int, ...]) -> None:
        """Show `values` (h, w) over an image of `size` (H, W) pixels, or nothing."""
        if values is None:
            if self.layer is not None:
                layer, self.layer = self.layer, None
                self._remove(layer)
            return
        scale = np.divide(size[:2], values.shape)
        if self.layer is None:
            self.layer = looks.boundary_layer(values)
            self._place(scale)
            self._add(self.layer)
        elif self.layer.data is not values:
            self.layer.data = values
            self._place(scale)

    def _place(self, scale: NDArray[np.float64]) -> None:
        assert self.layer is not None
        self.layer.scale = scale
        self.layer.translate = (scale - 1) / 2  # napari puts centres of pixels, not their corners, at their index
