"""The ``fill preview`` layer: the outline of what the magic wand would fill, there while the mouse is held."""

from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.overlay import Overlay


class WandOverlay(Overlay):
    """What would be filled."""

    role = looks.WAND
    place = "on top"

    def signals(self) -> tuple[Any, ...]:
        """Return the signal that tells of another region."""
        return (self.session.wand.changed,)

    def picture(self) -> NDArray[np.bool_] | None:
        """Return the region (H, W) bool."""
        return self.session.wand.region if self.session.shown_id else None

    def make(self, picture: NDArray[np.bool_]) -> Labels:
        """Return a layer of its outline."""
        return looks.wand_layer(picture.astype(np.uint8))

    def update(self, picture: NDArray[np.bool_]) -> None:
        """Show another region."""
        assert isinstance(self.layer, Labels)
        looks.write(self.layer, picture.astype(np.uint8))
