"""The ``regions`` layer: the borders of what is given a class whole, there while a person does that."""

from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.overlay import Overlay


class RegionsOverlay(Overlay):
    """Regions (H, W) of the shown image, as thin lines."""

    role = looks.REGIONS
    place = "on top"

    def signals(self) -> tuple[Any, ...]:
        """Return the signal that tells of other regions."""
        return (self.session.regions.changed,)

    def picture(self) -> NDArray[np.int32] | None:
        """Return the number of each pixel's region."""
        return self.session.regions.numbers if self.session.shown_id else None

    def make(self, picture: NDArray[np.int32]) -> Labels:
        """Return a layer of their borders."""
        return looks.regions_layer(borders(picture))

    def update(self, picture: NDArray[np.int32]) -> None:
        """Show other regions."""
        assert isinstance(self.layer, Labels)
        looks.write(self.layer, borders(picture))


def borders(numbers: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return (H, W) uint8, 1 where the pixel below or to the right belongs to another region."""
    found = np.zeros(numbers.shape, np.uint8)
    found[:-1] |= numbers[:-1] != numbers[1:]
    found[:, :-1] |= numbers[:, :-1] != numbers[:, 1:]
    return found
