"""Keeps the viewer's layers equal to what the session shows: the only module that touches ``viewer.layers``.

Layers are made once and fed again for each image, so opacity, brush and tool survive. What was fed is remembered
and compared: a signal touches only the layer whose array changed. `mask` shows the session's own array, so painting
changes it directly; changes are reported to the session shortly after the last stroke. Everything about layers that
come, go and are renamed is decided in this one place, which makes it longer than most.
"""

from __future__ import annotations

import re
from typing import Any, get_args

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QGuiApplication

from napari_wsss.core.classes import ClassList
from napari_wsss.core.sources import Source
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import single_shot, soon
from napari_wsss.widgets.controls.listening import let_go, listen
from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.brush import Brush
from napari_wsss.widgets.layers.cam_layers import CamLayers
from napari_wsss.widgets.layers.overlay import Place
from napari_wsss.widgets.layers.overlays import make_overlays
from napari_wsss.widgets.layers.peek import Peek
from napari_wsss.widgets.layers.scribble_tool import ScribbleTool

RECORD_AFTER_MS = 150
FLUSH_AFTER_MS = 2000
TIDY_AFTER_MS = 5000


class ViewerSync(QObject):
    """The session's image, maps, proposal and mask as napari layers.

    Attributes
    ----------
    notice : Signal(str)
        One quiet line for the status line.
    class_chosen : Signal(int)
        The mask value that painting now makes.
    layers_changed : Signal()
        A layer of ours was added (its keys need binding).
    """

    notice = Signal(str)
    class_chosen = Signal(int)
    layers_changed = Signal()

    def __init__(self, viewer: ViewerModel, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewer, self.session = viewer, session
        self.cams = CamLayers(self._add_cam, self._remove)
        self.brush = Brush(session, lambda: self.mask, self.cams, self)
        self.brush.chosen.connect(self.class_chosen)
        self.brush.notice.connect(self.notice)
        self.overlays = make_overlays(session)
        self._single: dict[str, Layer] = {}
        self._fed: dict[int, Any] = {}  # id of a layer -> the array it shows
        self._shown_id: str | None = None
        self.peek = Peek(lambda: self.layers)
        self._busy = False  # our own changes to layers are no edits and no deletions
        self._record = single_shot(self, RECORD_AFTER_MS, self.commit)
        self._save = single_shot(self, FLUSH_AFTER_MS, self.flush)
        self._tidy = single_shot(self, TIDY_AFTER_MS, self._tidy_cams)
        listen(
            self,
            (session.signals.image_changed, self.show),
            (session.signals.maps_ready, self._on_maps),
            (session.signals.labels_changed, self._on_maps),
            (session.signals.labels_changed, self.brush.on_labels),
            (session.signals.proposal_changed, self._on_proposal),
            (session.signals.mask_replaced, self.reconcile),
            (session.signals.state_changed, self.reconcile),
            (session.signals.classes_changed, self._on_classes),
            (session.signals.project_opened, self.show),
            (session.signals.project_closed, self.show),
            *((signal, self._on_overlays) for overlay in self.overlays for signal in overlay.signals()),
            (viewer.layers.events.removed, self._on_removed),
            (viewer.layers.selection.events.active, self._on_active),
        )
        viewer.mouse_drag_callbacks.append(self._on_press)
        self.scribbles = ScribbleTool(self)
        self.show()

    @property
    def mask(self) -> Labels | None:
        """The layer a person paints into, or None while no image is shown."""
        return self._single.get("mask")  # type: ignore[return-value]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Our layers, bottom to top."""
        single = self._single.get
        over = {place: [one.layer for one in self.overlays if one.place == place] for place in get_args(Place)}
        maps = [*self.cams.layers, *self.cams.spares, *over["below proposal"]]
        order = [single("image"), *maps, single("proposal"), *over["below mask"], single("mask"), *over["on top"]]
        return tuple(layer for layer in order if layer is not None)

    @property
    def value(self) -> int:
        """The mask value that painting makes."""
        return self.brush.value

    def _classes(self) -> ClassList:
        classes = self.session.classes
        assert classes is not None  # only asked for while a project is open
        return classes

    # From the session to the layers

    def show(self, _image_id: str = "") -> None:
        """Make the layers equal to the session: the shown image, or no layers at all."""
        if self.session.shown_table is None:
            self._clear()
            return
        self.peek.release()
        self._swap()

    def _on_maps(self, image_id: str = "") -> None:
        if image_id in ("", self._shown_id) and self.mask is not None:
            held = self.peek.what
            self.peek.release()
            self._guarded(self._feed_cams)
            self._guarded(self._feed_proposal)
            if held:
                self.peek.hold(held)

    def _on_classes(self) -> None:
        if self.mask is not None:
            self._recolour()
            self._guarded(self._feed_cams)

    def _on_proposal(self, image_id: str = "") -> None:
        if image_id in ("", self._shown_id) and self.mask is not None:
            self._guarded(self._feed_proposal)

    def reconcile(self, _image_id: str = "") -> None:
        """Write the session's mask into the layer, undoably, where the session has put another array in its place."""
        mask, table = self.mask, self.session.shown_table
        if mask is None or table is None or table.image_id != self._shown_id or mask.data is table.mask:
            return
        self.write_mask(table.mask)

    @property
    def is_busy(self) -> bool:
        """True while a change of a layer is ours, not a person's."""
        return self._busy

    def _guarded(self, change: Any) -> None:
        """Run a change of ours, during which layer events are not a person's."""
        before, self._busy = self._busy, True
        try:
            change()
        finally:
            self._busy = before

    def _swap(self) -> None:
        """Show another image: swap the data, clear napari's undo, put tool and class back."""
        self._record.stop()
        self._save.stop()
        image = self.session.table.image
        before = self._single.get("image")
        resized = before is None or before.data.shape[:2] != image.shape[:2]
        self._shown_id = self.session.shown_id
        self._guarded(self._feed_all)
        self.brush.keep_to_labels()
        if resized:
            self.viewer.reset_view()
        self.activate()

    def _feed_all(self) -> None:
        self._adopt()
        self._feed("image", self.session.table.image, lambda data: looks.image_layer(data), 0)
        self._feed_cams()
        self._feed_proposal()
        self._feed_mask()
        self._feed_overlays()

    def _feed(self, role: str, data: NDArray[Any], make: Any, position: int) -> Layer:
        layer = self._single.get(role)
        if layer is None:
            layer = self._single[role] = make(data)
            self._add(layer, position)
        elif self._fed.get(id(layer)) is not data:
            layer.data = data
        self._fed[id(layer)] = data
        return layer

    def _feed_mask(self) -> None:
        mask = self.mask
        mode = None if mask is None else mask.mode
        on_top = [one.layer for one in self.overlays if one.place == "on top" and one.layer in self.viewer.layers]
        position = self.viewer.layers.index(on_top[0]) if on_top else len(self.viewer.layers)
        data = self.session.table.mask
        layer = self._feed("mask", data, lambda values: looks.mask_layer(values, self._classes()), position)
        if mode is None:
            self._start_mask(layer)
        # The only public way to clear undo: otherwise Ctrl+Z writes the last image's pixels into this one.
        layer.editable = False
        layer.editable = not self.session.project.read_only
        if mode is not None and layer.visible and layer.editable:
            layer.mode = mode
        self._recolour()

    def _start_mask(self, mask: Layer) -> None:
        self.brush.start(mask)
        mask.events.paint.connect(self._on_paint)
        mask.events.set_data.connect(self._on_edit)  # undo and redo fire nothing else

    def _feed_proposal(self) -> None:
        values = self.session.table.proposal
        if values is None:
            values = np.zeros(self.session.table.image.shape[:2], np.uint8)
        layer = self._single.get("proposal")
        if layer is None:
            layers = self.viewer.layers
            position = len(layers) if self.mask is None else layers.index(self.mask)
            layer = looks.proposal_layer(values.copy(), self._classes())
            self._single["proposal"] = layer
            self._add(layer, position)
        elif self._fed.get(id(layer)) is values:
            return
        else:
            looks.write(layer, values)
        self._fed[id(layer)] = values

    def _on_overlays(self, *_told: Any) -> None:
        if self.mask is not None and self.session.shown_id == self._shown_id:
            self.feed_overlays()

    def feed_overlays(self) -> None:
        """Bring the layers that come and go after the session; the active layer stays what it was."""
        active = self.viewer.layers.selection.active
        self._guarded(self._feed_overlays)
        if active in self.viewer.layers and self.viewer.layers.selection.active is not active:
            self._guarded(lambda: setattr(self.viewer.layers.selection, "active", active))

    def _feed_overlays(self) -> None:
        for overlay in self.overlays:
            overlay.feed(self._add_overlay, self._remove)

    def _feed_cams(self) -> None:
        self.cams.feed(self.brush.labelled(), self._classes(), self.session.table.maps, self.session.table.image)
        self.cams.apply()
        self._tidy.start()

    def _tidy_cams(self) -> None:
        if QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:
            self._tidy.start()  # not in the middle of a stroke
        else:
            self._guarded(self.cams.tidy)

    def _add_cam(self, layer: Image, row: int) -> None:
        self._add(layer, self.viewer.layers.index(self._single["image"]) + 1 + row)

    def _add_overlay(self, layer: Layer, place: Place) -> None:
        above = self._single.get({"below proposal": "proposal", "below mask": "mask"}.get(place, ""))
        active = self.viewer.layers.selection.active
        self._add(layer, len(self.viewer.layers) if above is None else self.viewer.layers.index(above))
        self.viewer.layers.selection.active = active  # napari activates what comes; the person goes on painting

    # Layers come and go

    def _adopt(self) -> None:
        """Take over a tagged image layer that the reader or the sample added before the dock opened."""
        if "image" in self._single:
            return
        for layer in self.viewer.layers:
            if looks.role_of(layer) == "image" and isinstance(layer, Image):
                layer.locked = True
                self._single["image"] = layer
                layer.events.name.connect(self._on_renamed)
                return

    def _add(self, layer: Layer, position: int) -> None:
        selection = self.viewer.layers.selection
        active = selection.active
        self.viewer.layers.insert(min(position, len(self.viewer.layers)), layer)
        if active is not None and looks.role_of(active):
            selection.active = active  # napari marks each new layer, but a person goes on painting
        layer.events.name.connect(self._on_renamed)
        self.layers_changed.emit()

    def _remove(self, layer: Layer) -> None:
        self._fed.pop(id(layer), None)
        if layer in self.viewer.layers:
            self.viewer.layers.remove(layer)

    def _clear(self) -> None:
        for timer in (self._record, self._save, self._tidy):
            timer.stop()
        self._guarded(self._remove_all)
        self._single.clear()
        self._fed.clear()
        self._shown_id = None

    def _remove_all(self) -> None:
        self.cams.clear()
        for layer in [*self._single.values(), *(one.layer for one in self.overlays if one.layer is not None)]:
            self._remove(layer)
        for overlay in self.overlays:
            overlay.forget()

    def _on_removed(self, event: Any) -> None:
        layer = event.value
        if self._busy or layer not in self.layers:
            return
        self._single = {role: kept for role, kept in self._single.items() if kept is not layer}
        if looks.role_of(layer) == "cam":
            self._guarded(lambda: self.cams.forget(layer))
        for overlay in self.overlays:
            if layer is overlay.layer:
                overlay.forget()
        self._fed.pop(id(layer), None)
        soon(self, lambda: self._repair(layer.name))

    def _repair(self, name: str) -> None:
        if not self.session.shown_id or self._shown_id is None:
            return
        self._guarded(self._feed_all)
        self.activate()
        self.notice.emit(f"The layer '{name}' belongs to the project and was put back.")

    def _on_renamed(self, event: Any) -> None:
        layer = event.source
        if self._busy or layer not in self.layers:
            return
        wanted = self._name_of(layer)
        # napari appends " [1]" itself where another layer already has the name.
        if re.fullmatch(re.escape(wanted) + r"( \[\d+\])?", layer.name):
            return
        self._guarded(lambda: setattr(layer, "name", wanted))
        self.notice.emit(f"Layer names are fixed; '{wanted}' has its name back.")

    def _name_of(self, layer: Layer) -> str:
        if layer in self.cams.layers:
            return looks.CAM_PREFIX + self.cams.names[self.cams.layers.index(layer)]
        return looks.SPARE if layer in self.cams.spares else looks.role_of(layer)

    # From the layers to the session

    def _on_paint(self, _event: Any = None) -> None:
        if not self._busy:
            self.session.table.touch()
            self._on_edit()
            # Each stroke by itself, as undo takes it back; soon, because fill tells before it has painted.
            soon(self, self.commit)

    def _on_edit(self, _event: Any = None) -> None:
        if not self._busy and self.mask is not None:
            self._record.start()
            self._save.start()

    def _on_press(self, _viewer: Any, _event: Any) -> None:
        """Note an undo of this moment before a stroke begins: what it brings back is not painted by the person."""
        if self._record.isActive():
            self.commit()

    def commit(self) -> None:
        """Tell the session now what was painted since the last time."""
        pending = self._record.isActive()
        self._record.stop()
        mask = self.mask
        if mask is None or self.session.shown_id != self._shown_id:
            return
        if pending or mask.data is self.session.table.mask:
            self.session.table.record_change(mask.data)
        else:
            self.reconcile()

    def flush(self) -> None:
        """Write the draft to disk now, also when napari has taken our layers away already (its way to close)."""
        self.commit()
        self._save.stop()
        if self.session.project is not None:
            self.session.flush()

    def write_mask(
        self, values: NDArray[np.uint8], source: Source | None = None, claimed: NDArray[np.bool_] | None = None
    ) -> None:
        """Write (H, W) uint8 into the mask as one step that Ctrl+Z takes back, and record it.

        `source` and `claimed` (H, W) bool say which machine step made it (see `Session.record_change`).
        """
        mask = self.mask
        if mask is None:
            return
        if source is not None and self._record.isActive():
            self.commit()  # what was done before is not this step's
        mask.visible = True  # napari keeps no slice of a hidden layer to write into, and nobody copies blindly
        where = np.nonzero(mask.data != values)
        if len(where[0]):
            self._guarded(lambda: mask.data_setitem(where, values[where]))
            self.scribbles.note_mask_step()
            self._save.start()
        self._record.stop()
        self.session.table.record_change(mask.data, source, claimed)

    # What a person asks for

    def activate(self) -> None:
        """Make the layer that is painted into, mask or scribbles, napari's active one."""
        painted = self.scribbles.painted or self.mask
        if painted is not None and self.viewer.layers.selection.active is not painted:
            self.viewer.layers.selection.active = painted

    def _on_active(self, event: Any) -> None:
        if not self._busy:
            self.scribbles.on_active(event.value)

    def choose_value(self, value: int) -> None:
        """Paint with mask value `value` (0 background, 255 ignore) and show that class's activation map."""
        if self.brush.choose(value):
            self.activate()

    def set_tool(self, mode: str) -> None:
        """Switch the brush: ``paint``, ``erase``, ``fill``, ``polygon``, ``pick`` or ``pan_zoom``."""
        if self.mask is not None and self.mask.editable:
            self.activate()
            (self.scribbles.painted or self.mask).mode = mode

    def _recolour(self) -> None:
        """Give mask and proposal the colours of the current class list (a class may have been added)."""
        for role in ("mask", "proposal"):
            layer = self._single.get(role)
            if layer is not None and len(layer.colormap.color_dict) != len(self._classes().values()) + 1:
                layer.colormap = looks.mask_colours(self._classes())

    def close(self) -> None:
        """Write what is unsaved, take our layers away and let go of session and viewer.

        Layers that nobody saves any more would invite a person to paint into the void.
        """
        self.flush()
        self.scribbles.record()
        self._clear()
        let_go(self)
        if self._on_press in self.viewer.mouse_drag_callbacks:
            self.viewer.mouse_drag_callbacks.remove(self._on_press)
