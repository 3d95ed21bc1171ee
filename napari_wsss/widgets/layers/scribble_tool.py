"""Which layer a person paints into, mask or scribbles, and keeping the two in step.

While a person scribbles, Ctrl+Z takes back what came last, a stroke of theirs or the mask that was made of it; each
layer keeps its own history for that.
"""

from typing import Any

import numpy as np
from napari.layers import Labels, Layer
from qtpy.QtCore import QObject, Signal

from napari_wsss.core.errors import LabelError
from napari_wsss.core.scribbles import mask_value, scribble_value
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import single_shot
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.layers.brush import Brush
from napari_wsss.widgets.layers.host import LayerHost
from napari_wsss.widgets.layers.scribble_layer import ScribbleOverlay

RECORD_AFTER_MS = 150


class ScribbleTool(QObject):
    """Scribbling in the viewer.

    Parameters
    ----------
    session : Session
    host : LayerHost
        Whose mask and scribbles this is about.
    brush : Brush
        The class that is painted or scribbled.

    Attributes
    ----------
    changed : Signal()
        A person turned to the scribbles or back to the mask, or scribbled.
    notice : Signal(str)
        Why a class cannot be scribbled.
    """

    changed = Signal()
    notice = Signal(str)

    def __init__(self, session: Session, host: LayerHost, brush: Brush, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._host, self._brush = session, host, brush
        self._overlay = next(one for one in host.overlays if isinstance(one, ScribbleOverlay))
        self._overlay.on_made = self._on_made
        self._chosen = False
        self._steps: list[Labels] = []  # whose history grew, since a person turned to the scribbles
        self._undone: list[Labels] = []
        self._record = single_shot(self, RECORD_AFTER_MS, self.record)
        brush.chosen.connect(self._on_class)
        listen(self, (self._session.scribbles.replaced, self._forget_steps))

    @property
    def layer(self) -> Labels | None:
        """The scribbles' layer, None before it is needed."""
        return self._overlay.layer

    @property
    def painted(self) -> Labels | None:
        """The scribbles' layer while a person scribbles, None while the mask is painted."""
        return self.layer if self._chosen else None

    def toggle(self) -> None:
        """Turn to the scribbles, with the brush in hand, or back to the mask."""
        self.choose(not self._chosen)

    def choose(self, scribbling: bool) -> None:
        """Paint into the scribbles from now on, or into the mask."""
        self._chosen = scribbling
        self._forget_steps()
        if scribbling:
            self._overlay.wanted = True
            self._host.feed_overlays()
            self._session.propagation.prepare()
        self.activate()
        layer = self.painted
        if layer is not None:
            layer.visible = True
            self._on_class(self._brush.value)
            if layer.editable and layer.mode in ("pan_zoom", "transform"):
                layer.mode = "paint"
        self.changed.emit()

    def activate(self) -> None:
        """Make the layer that is painted into, mask or scribbles, napari's active one."""
        painted, selection = self.painted or self._host.mask, self._host.viewer.layers.selection
        if painted is not None and selection.active is not painted:
            selection.active = painted

    def clear(self) -> None:
        """Rub out all scribbles, as one step that Ctrl+Z takes back while the scribbles are the active layer."""
        layer = self.layer
        if layer is not None and layer.editable:
            layer.visible = True  # napari keeps no slice of a hidden layer to write into
            where = np.nonzero(layer.data)
            if len(where[0]):
                layer.data_setitem(where, 0)
            self.record()

    def record(self) -> None:
        """Hand the scribbles to the session, which writes them."""
        self._record.stop()
        if self.layer is not None:
            self._session.scribbles.record(self.layer.data)
            self.changed.emit()

    def on_active(self, layer: Layer | None) -> None:
        """Follow a person's choice in the layer list."""
        if layer is not None and layer in (self.layer, self._host.mask):
            chosen = layer is self.layer
            if chosen != self._chosen:
                self.choose(chosen)

    def note_mask_step(self) -> None:
        """Note that the mask's history grew by a step that was not painted."""
        if self._chosen and self._host.mask is not None:
            self._note_step(self._host.mask)

    def undo(self, _layer: object = None) -> None:
        """Take back the last step, of scribbles or mask."""
        step = self._steps.pop() if self._steps else self.layer
        if step is not None:
            step.undo()
            self._undone.append(step)

    def redo(self, _layer: object = None) -> None:
        """Make again what was taken back last."""
        if self._undone:
            step = self._undone.pop()
            step.redo()
            self._steps.append(step)

    def _note_step(self, layer: Labels) -> None:
        self._steps.append(layer)
        self._undone.clear()

    def _forget_steps(self, _image_id: str = "") -> None:
        self._steps.clear()
        self._undone.clear()

    def _on_made(self, layer: Labels) -> None:
        layer.bind_key("Control-Z", self.undo, overwrite=True)
        layer.bind_key("Control-Shift-Z", self.redo, overwrite=True)
        layer.events.paint.connect(self._on_paint)
        layer.events.set_data.connect(self._on_edit)  # undo and redo fire nothing else
        layer.events.selected_label.connect(self._on_selected_label)

    def _on_paint(self, _event: Any = None) -> None:
        if not self._host.is_busy and self.layer is not None:
            self._note_step(self.layer)
            self._on_edit()

    def _on_edit(self, _event: Any = None) -> None:
        if not self._host.is_busy:
            self._record.start()

    def _on_class(self, value: int) -> None:
        """Scribble what the mask would be painted with."""
        layer, classes = self.layer, self._session.classes
        if layer is None or classes is None:
            return
        try:
            layer.selected_label = scribble_value(value, classes)
        except LabelError as error:
            self.notice.emit(str(error))

    def _on_selected_label(self, _event: Any = None) -> None:
        """Follow a class picked in napari's own controls."""
        layer, classes = self.layer, self._session.classes
        if layer is None or classes is None or not self._chosen:
            return
        value = mask_value(int(layer.selected_label), classes)
        if value == self._brush.value:
            return
        if layer.selected_label and value in classes.values():
            self._brush.choose(value)
            self.activate()
        else:  # no class, or nothing at all (picked where there is no scribble)
            self._on_class(self._brush.value)
