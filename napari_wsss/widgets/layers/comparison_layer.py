"""The ``comparison`` layer: what the last model changed in the shown image, over everything else while it is asked for.

It is an opaque picture of the photograph with one mask over it, so that no other layer mixes in.
"""

from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.overlay import Overlay


class ComparisonOverlay(Overlay):
    """After, before or difference of the shown image."""

    role = "comparison"
    place = "on top"

    def signals(self) -> tuple[Any, ...]:
        """Return the signal that tells of another view."""
        return (self.session.signals.comparison_changed,)

    def picture(self) -> NDArray[np.uint8] | None:
        """Return the view (H, W, 3) uint8 that is asked for."""
        shown = self.session.comparison.shown
        return shown.picture if shown is not None and self.session.shown_id else None

    def make(self, picture: NDArray[np.uint8]) -> Image:
        """Return a layer that hides the others."""
        return looks.comparison_layer(picture)
