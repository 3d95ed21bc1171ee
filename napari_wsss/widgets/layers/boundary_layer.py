"""The ``class boundaries`` layer: there while a person looks at what random walks do not cross."""

from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.overlay import Overlay


class BoundaryOverlay(Overlay):
    """Boundaries (h, w) of a grid, stretched over the image."""

    role = looks.BOUNDARIES
    place = "below proposal"

    def signals(self) -> tuple[Any, ...]:
        """Return the signal that tells that boundaries were found or are no longer wanted."""
        return (self.session.signals.boundary_changed,)

    def picture(self) -> NDArray[np.float32] | None:
        """Return the boundaries (h, w) float32 in [0, 1] of the shown image."""
        return self.session.boundaries.values if self.session.shown_id else None

    def make(self, picture: NDArray[np.float32]) -> Image:
        """Return a layer that covers the image."""
        return self._placed(looks.boundary_layer(picture))

    def update(self, picture: NDArray[np.float32]) -> None:
        """Show the boundaries of another image."""
        assert self.layer is not None
        self.layer.data = picture
        self._placed(self.layer)

    def _placed(self, layer: Image) -> Image:
        assert self.session.table is not None
        scale = np.divide(self.session.table.image.shape[:2], layer.data.shape)
        layer.scale = scale
        layer.translate = (scale - 1) / 2  # napari puts centres of pixels, not their corners, at their index
        return layer
