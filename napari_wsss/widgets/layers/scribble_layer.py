"""The ``scribbles`` layer: made when a person first scribbles, kept from then on, fed for each image."""

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_wsss.session.session import Session
from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.overlay import Overlay


class ScribbleOverlay(Overlay):
    """Scribbles (H, W) on the shown image, with an undo of their own.

    Attributes
    ----------
    wanted : bool
        True once a person turned to the scribbles; before, the layer is only there on images that have some.
    on_made : callable
        Called with a new layer.
    """

    role = looks.SCRIBBLES
    place = "on top"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.wanted = False
        self.on_made: Callable[[Labels], None] = lambda layer: None

    def signals(self) -> tuple[Any, ...]:
        """Return the signals that tell of other scribbles and of other classes."""
        return (self.session.scribbles.replaced, self.session.signals.classes_changed)

    def picture(self) -> NDArray[np.uint8] | None:
        """Return the scribbles (H, W) uint8, the very array that is painted into."""
        scribbles = self.session.scribbles
        self.wanted = self.wanted or scribbles.any
        self._recolour()
        return scribbles.values if self.wanted and self.session.shown_id else None

    def make(self, picture: NDArray[np.uint8]) -> Labels:
        """Return a layer to scribble into."""
        assert self.session.classes is not None
        layer = looks.scribble_layer(picture, self.session.classes)
        layer.editable = not self._is_read_only()
        self.on_made(layer)
        return layer

    def update(self, picture: NDArray[np.uint8]) -> None:
        """Show other scribbles; undo must not bring the strokes of another image."""
        layer = self.layer
        assert isinstance(layer, Labels)
        mode, layer.data = layer.mode, picture
        layer.editable = False
        layer.editable = not self._is_read_only()
        if layer.editable and layer.visible:
            layer.mode = mode

    def _is_read_only(self) -> bool:
        return self.session.project is None or self.session.project.read_only

    def _recolour(self) -> None:
        classes, layer = self.session.classes, self.layer
        if isinstance(layer, Labels) and classes is not None:
            looks.recolour(layer, classes, looks.scribble_colours)
