"""A look under the overlays while a key is held: only the photograph, or the photograph and the proposal."""

from collections.abc import Callable
from typing import Literal

from napari.layers import Layer

from napari_wsss.widgets.layers.looks import role_of

Peeked = Literal["proposal", "image"]
KEPT: dict[Peeked, tuple[str, ...]] = {"proposal": ("image", "proposal"), "image": ("image",)}


class Peek:
    """Hides our layers for a moment and puts their visibility back.

    Parameters
    ----------
    layers : callable
        Returns our layers as they are now.
    """

    def __init__(self, layers: Callable[[], tuple[Layer, ...]]) -> None:
        self._layers = layers
        self._visible: list[tuple[Layer, bool]] = []
        self.what: Peeked | None = None

    def hold(self, what: Peeked) -> None:
        """Show only what was asked for, until `release`."""
        self.release()
        self.what = what
        self._visible = [(layer, layer.visible) for layer in self._layers()]
        for layer, _ in self._visible:
            layer.visible = role_of(layer) in KEPT[what]

    def release(self) -> None:
        """Put the visibilities back that `hold` changed."""
        before, self._visible, self.what = self._visible, [], None
        for layer, visible in before:
            layer.visible = visible
