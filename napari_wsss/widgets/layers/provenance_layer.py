"""The ``provenance`` layer: who made which pixel of the mask, there while a person wants to see it."""

from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_wsss.core.sources import FIRST_MACHINE, NOTHING, OTHER_MACHINE, PERSON
from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.overlay import Overlay

PERSON_COLOUR, OTHER_COLOUR = "#ffb000", "#888888"
MACHINE_COLOURS = ("#56b4e9", "#cc79a7", "#009e73", "#8c6bff", "#d55e00", "#00c8c8", "#0072b2")
"""Told apart also by people who see few colours; the first two are the usual ones: a proposal and a clean-up."""


def colour_of(value: int) -> str:
    """Return the colour of a source's value as ``#rrggbb`` ("" for pixels that nobody drew)."""
    plain = {NOTHING: "", PERSON: PERSON_COLOUR, OTHER_MACHINE: OTHER_COLOUR}
    return plain[value] if value in plain else MACHINE_COLOURS[(value - FIRST_MACHINE) % len(MACHINE_COLOURS)]


class ProvenanceOverlay(Overlay):
    """Sources (H, W) of the shown mask."""

    role = looks.PROVENANCE
    place = "on top"

    def signals(self) -> tuple[Any, ...]:
        """Return the signal that tells that a pixel changed hands, or that this is to be seen."""
        return (self.session.signals.sources_changed,)

    def picture(self) -> NDArray[np.uint8] | None:
        """Return who made each pixel (H, W) uint8."""
        table = self.session.shown_table
        return table.sources.values if table is not None and self.session.provenance.shown else None

    def make(self, picture: NDArray[np.uint8]) -> Labels:
        """Return a layer with a colour for each source."""
        colours: dict[int | None, Any] = {value: colour_of(value) or "transparent" for value in range(256)}
        layer = looks.provenance_layer(picture.copy(), {**colours, None: OTHER_COLOUR})
        self._tell(layer)
        return layer

    def update(self, picture: NDArray[np.uint8]) -> None:
        """Show the sources after a change, or of another image."""
        assert isinstance(self.layer, Labels)
        looks.write(self.layer, picture)
        self._tell(self.layer)

    def _tell(self, layer: Labels) -> None:
        """Have napari's status bar say who made the pixel under the cursor while this layer is selected."""
        assert self.session.table is not None
        sources = self.session.table.sources
        values = [NOTHING, PERSON, *range(FIRST_MACHINE, FIRST_MACHINE + len(sources.table)), OTHER_MACHINE]
        texts = [sources.text_of(value) for value in values]
        if list(layer.features.get("by", ())) != texts:
            layer.features = {"index": values, "by": texts}
