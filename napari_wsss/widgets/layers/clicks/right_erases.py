"""The right button rubs out while the brush paints: napari's own eraser for as long as the button is held.

napari begins its *encircle and fill* at a right click in paint mode; that is left to it with Shift held. Everywhere
else, and for the layers of others, the right button stays napari's.
"""

from collections.abc import Callable, Iterator
from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject

from napari_wsss.widgets.controls.basic import soon

RIGHT = 2
PAINT, ERASE = "paint", "erase"


class RightErases(QObject):
    """Makes the right button an eraser.

    Parameters
    ----------
    viewer : napari ViewerModel
    painted : callable
        Returns the layer a person paints into, mask or scribbles; None while no image is shown.
    """

    def __init__(
        self, viewer: ViewerModel, painted: Callable[[], Labels | None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._painted = viewer, painted
        viewer.mouse_drag_callbacks.append(self._on_drag)

    def close(self) -> None:
        """Let go of the viewer."""
        if self._on_drag in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_drag)

    def _on_drag(self, viewer: Any, event: Any) -> Iterator[None] | None:
        layer = self._painted()
        is_ours = layer is not None and viewer.layers.selection.active is layer and layer.mode == PAINT
        if layer is None or not is_ours or event.button != RIGHT or event.modifiers:
            return None
        return self._while_held(layer, event)

    def _while_held(self, layer: Labels, event: Any) -> Iterator[None]:
        layer.mode = ERASE  # the viewer is told before the layer, which therefore begins to erase
        yield
        while event.type == "mouse_move":
            yield
        soon(self, lambda: self._paint_again(layer))  # after the layer has ended its stroke

    @staticmethod
    def _paint_again(layer: Labels) -> None:
        if layer.mode == ERASE:
            layer.mode = PAINT
