"""The ``uncertainty`` layer: there while a person wants to see where the maps are unsure."""

from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.overlay import Overlay


class UncertaintyOverlay(Overlay):
    """Uncertainty (H, W) of the shown image (see `pixels.uncertainty`)."""

    role = looks.UNCERTAINTY
    place = "below proposal"

    def signals(self) -> tuple[Any, ...]:
        """Return the signal that tells that the picture is another one, or gone."""
        return (self.session.doubts.changed,)

    def picture(self) -> NDArray[np.float32] | None:
        """Return the uncertainty (H, W) float32 in [0, 1], None while it is not wanted."""
        return self.session.doubts.values

    def make(self, picture: NDArray[np.float32]) -> Image:
        """Return a new layer."""
        return looks.uncertainty_layer(picture)
