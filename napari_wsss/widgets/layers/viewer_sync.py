"""Keeps the viewer's layers equal to what the session shows, and tells the session what is painted into them.

A signal of the session touches only the layer it is about; the layers themselves are `host`'s. `mask` shows the
session's own array, so painting changes it directly; changes are reported shortly after the last stroke.
"""

from inspect import signature
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Layer
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QGuiApplication

from napari_wsss.core.plural import counted
from napari_wsss.core.sources import Source
from napari_wsss.session.session import Session
from napari_wsss.session.table.ledger import holds_any
from napari_wsss.session.table.table import Table
from napari_wsss.widgets.controls.basic import single_shot, soon
from napari_wsss.widgets.controls.listening import let_go, listen
from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.brush import Brush
from napari_wsss.widgets.layers.brush_size import keep_on_screen, set_on_screen, step_by_wheel
from napari_wsss.widgets.layers.clicks.drags import StrokeEnd
from napari_wsss.widgets.layers.clicks.point_tool import PointTool
from napari_wsss.widgets.layers.clicks.right_erases import RightErases
from napari_wsss.widgets.layers.clicks.vertices import POLYGON, POLYGON_HINT, PolygonVertices
from napari_wsss.widgets.layers.host import LayerHost
from napari_wsss.widgets.layers.peek import Peek
from napari_wsss.widgets.layers.scribble_tool import ScribbleTool
from napari_wsss.widgets.layers.undo_step import write_step

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
        self.host = LayerHost(viewer, session, self)
        self.cams = self.host.cams
        self.brush = Brush(session, lambda: self.mask, self.cams, self)
        self.scribbles = ScribbleTool(session, self.host, self.brush, self)
        self.pointing = PointTool(session, self.host, self.brush, self.scribbles, self)
        self.right_erases = RightErases(viewer, lambda: self.scribbles.painted or self.mask, self)
        self.vertices = PolygonVertices(viewer)
        self.stroke_end = StrokeEnd(viewer, lambda: self.scribbles.painted or self.mask)
        self.peek = Peek(lambda: self.layers)
        self._shown_id: str | None = None
        self.whole_zoom = 1.0  # of the camera, when it was fitted last
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
            *((signal, self._on_overlays) for overlay in self.host.overlays for signal in overlay.signals()),
            (viewer.layers.selection.events.active, self._on_active),
        )
        self.brush.chosen.connect(self.class_chosen)
        for told in (self.brush.notice, self.host.notice, self.scribbles.notice):
            told.connect(self.notice)
        self.host.layers_changed.connect(self.layers_changed)
        self.host.layers_changed.connect(self._keep_brushes)
        self.host.lost.connect(self._on_lost)
        viewer.mouse_drag_callbacks.append(self._on_press)
        viewer.mouse_wheel_callbacks.append(self._on_wheel)
        self.show()

    @property
    def mask(self) -> Labels | None:
        """The layer a person paints into, or None while no image is shown."""
        return self.host.mask

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Our layers, bottom to top."""
        return self.host.layers

    @property
    def value(self) -> int:
        """The mask value that painting makes."""
        return self.brush.value

    def _table(self) -> Table:
        table = self.session.table
        assert table is not None  # only asked for while a project is open
        return table

    # From the session to the layers

    def show(self, _image_id: str = "") -> None:
        """Make the layers equal to the session: the shown image, or no layers at all."""
        put = self._clear if self.session.shown_table is None else self._swap
        put()

    def _on_maps(self, image_id: str = "") -> None:
        if image_id in ("", self._shown_id) and self.mask is not None:
            held = self.peek.what
            self.peek.release()
            self.host.guarded(self._feed_cams)
            self.host.guarded(self._feed_proposal)
            if held:
                self.peek.hold(held)

    def _on_classes(self) -> None:
        if self.mask is not None:
            self._recolour()
            self.host.guarded(self._feed_cams)

    def _on_proposal(self, image_id: str = "") -> None:
        if image_id in ("", self._shown_id) and self.mask is not None:
            self.host.guarded(self._feed_proposal)

    def reconcile(self, _image_id: str = "") -> None:
        """Write the session's mask into the layer, undoably, where the session has put another array in its place."""
        mask, table = self.mask, self.session.shown_table
        if mask is None or table is None or table.image_id != self._shown_id or mask.data is table.mask:
            return
        hidden = self.pointing.is_on and not mask.visible  # to look at the photograph while pointing at things
        self.write_mask(table.mask, show=not hidden)
        if hidden:
            self.notice.emit("Answered in your mask, which you have hidden; its eye in the layer list shows it.")

    def _swap(self) -> None:
        """Show another image: swap the data, clear napari's undo, put tool and class back."""
        self.session.jobs.give_way()
        self.peek.release()
        self._record.stop()
        self._save.stop()
        before, size = self.host.layer("image"), self._table().image.shape[:2]
        resized = before is None or before.data.shape[:2] != size
        self._shown_id = self.session.shown_id
        self.host.guarded(self._feed_all)
        self.brush.keep_to_labels()
        if resized:
            self.show_whole()
            self._keep_brushes()
        self.activate()

    def show_whole(self) -> None:
        """Fit the image into the canvas; hidden layers, which may be of another image's size, do not count."""
        image = self.host.layer("image")
        can_choose = "layers" in signature(self.viewer.reset_view).parameters  # not in napari < 0.9
        self.viewer.reset_view(**({"layers": [image]} if can_choose and image is not None else {}))
        self.whole_zoom = float(self.camera.zoom)

    @property
    def camera(self) -> Any:
        """The camera of the viewer."""
        return getattr(self.viewer, "scene", self.viewer).camera  # napari < 0.9 has no scene

    def _keep_brushes(self) -> None:
        for layer in (self.mask, self.scribbles.layer):
            if layer is not None:
                keep_on_screen(layer, self.whole_zoom)

    def resize_brush(self, layer: Labels | None, size: int) -> None:
        """Give the mask's or the scribbles' brush `size` pixels on the screen while the whole image is shown."""
        if layer is not None:
            set_on_screen(layer, size, self.whole_zoom)

    def _feed_all(self) -> None:
        self.host.adopt()
        with self.host.measured_once():
            self.host.feed_image(self._table().image, self._table().image_is_grey)
            self._feed_cams()
            self._feed_proposal()
            self._feed_mask()
            self.host.feed_overlays()

    def _feed_mask(self) -> None:
        mode = None if self.mask is None else self.mask.mode
        layer = self.host.feed(
            "mask", self._table().mask, lambda values: looks.mask_layer(values, self._table().classes)
        )
        if mode is None:
            self._start_mask(layer)
        # The only public way to clear undo: otherwise Ctrl+Z writes the last image's pixels into this one.
        layer.editable = False
        layer.editable = not self._table().project.read_only
        if mode is not None and layer.visible and layer.editable:
            layer.mode = mode
        self._recolour()

    def _start_mask(self, mask: Layer) -> None:
        self.brush.start(mask)
        mask.events.paint.connect(self._on_paint)
        mask.events.set_data.connect(self._on_edit)  # undo and redo fire nothing else
        mask.events.data.connect(self._on_assigned)

    def _feed_proposal(self) -> None:
        values = self._table().proposal
        if values is None:
            values = np.zeros(self._table().image.shape[:2], np.uint8)
        self.host.feed(
            "proposal", values, lambda given: looks.proposal_layer(given.copy(), self._table().classes), looks.write
        )

    def _on_overlays(self, *_told: Any) -> None:
        if self.mask is not None and self.session.shown_id == self._shown_id:
            self.host.feed_overlays()

    def _feed_cams(self) -> None:
        self.cams.feed(self.brush.labelled(), self._table().classes, self._table().maps, self._table().image)
        self._fade_cams()
        self.cams.apply()
        self._tidy.start()

    def _fade_cams(self) -> None:
        """Let the maps step back behind what a person has made already."""
        table = self._table()
        self.cams.fade(holds_any(table.mask) or self.session.scribbles.any)

    def _tidy_cams(self) -> None:
        if QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:
            self._tidy.start()  # not in the middle of a stroke
        else:
            self.host.guarded(self.cams.tidy)

    def _clear(self) -> None:
        for timer in (self._record, self._save, self._tidy):
            timer.stop()
        self.host.clear()
        self._shown_id = None

    def _on_lost(self, name: str) -> None:
        soon(self, lambda: self._repair(name))

    def _repair(self, name: str) -> None:
        if not self.session.shown_id or self._shown_id is None:
            return
        self.host.guarded(self._feed_all)
        self.activate()
        self.notice.emit(f"The layer '{name}' belongs to the project and was put back.")

    # From the layers to the session

    def _on_paint(self, _event: Any = None) -> None:
        if not self.host.is_busy:
            self._table().touch()
            self._on_edit()
            # Each stroke by itself, as undo takes it back; soon, because fill tells before it has painted.
            soon(self, self.commit)

    def _on_assigned(self, _event: Any = None) -> None:
        """Take an array that a script put into the mask's place as one step of its own, or say why not."""
        mask, table = self.mask, self.session.shown_table
        if self.host.is_busy or mask is None or table is None or mask.data is table.mask:
            return
        given = mask.data
        self.host.guarded(lambda: setattr(mask, "data", table.mask))
        problem = table.unfit(given)
        if problem:
            self.session.signals.notice.emit(f"Not taken into the mask: {problem}. The mask is as it was.")
            return
        values = np.asarray(given).astype(np.uint8)
        count = int(np.count_nonzero(values != table.mask))
        self.write_mask(values, Source("script"))
        self.session.signals.notice.emit(
            f"A script or another plugin changed {counted(count, 'pixel')} of the mask; Ctrl+Z takes that back."
        )

    def _on_edit(self, _event: Any = None) -> None:
        if not self.host.is_busy and self.mask is not None:
            self._record.start()
            self._save.start()

    def _on_press(self, _viewer: Any, _event: Any) -> None:
        """Note an undo of this moment before a stroke begins: what it brings back is not painted by the person."""
        if self._record.isActive():
            self.commit()

    def _on_wheel(self, viewer: Any, event: Any) -> None:
        """Resize the brush with Shift; napari zooms without a key, and has Ctrl and Alt for planes and layers."""
        layer = self.scribbles.painted or self.mask
        if layer is not None and layer is viewer.layers.selection.active:
            step_by_wheel(layer, event)

    def commit(self) -> None:
        """Tell the session now what was painted since the last time."""
        pending = self._record.isActive()
        self._record.stop()
        mask = self.mask
        if mask is None or self.session.shown_id != self._shown_id:
            return
        if pending or mask.data is self._table().mask:
            self._table().record_change(mask.data)
            self._fade_cams()
        else:
            self.reconcile()

    def flush(self) -> None:
        """Write the draft to disk now, also when napari has taken our layers away already (its way to close)."""
        self.commit()
        self._save.stop()
        if self.session.project is not None:
            self.session.flush()

    def write_mask(
        self,
        values: NDArray[np.uint8],
        source: Source | None = None,
        claimed: NDArray[np.bool_] | None = None,
        show: bool = True,
    ) -> None:
        """Write (H, W) uint8 into the mask as one step that Ctrl+Z takes back, and record it.

        `source` and `claimed` (H, W) bool say which machine step made it (see `Table.record_change`); with a source,
        `values` are nobody's to write into any more. A mask that is hidden is shown, unless without `show`.
        """
        mask = self.mask
        if mask is None:
            return
        if source is not None and self._record.isActive():
            self.commit()  # what was done before is not this step's
        if show and not mask.visible:  # nobody copies blindly
            mask.visible = True
        before = None if source is None else self._table().drawn.values
        if self.host.guarded(lambda: write_step(mask, values, before)):
            self.scribbles.note_mask_step()
            self._save.start()
        self._record.stop()
        self._table().record_change(mask.data, source, claimed, kept=None if source is None else values)
        self._fade_cams()

    # What a person asks for

    def activate(self) -> None:
        """Make the layer that is painted into, mask or scribbles, napari's active one."""
        self.scribbles.activate()

    def _on_active(self, event: Any) -> None:
        if not self.host.is_busy:
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
            self.notice.emit(POLYGON_HINT if mode == POLYGON else "")

    def _recolour(self) -> None:
        """Give mask and proposal the colours of the current class list."""
        classes = self._table().classes
        looks.recolour(self.mask, classes, looks.mask_colours)
        looks.recolour(self.host.layer("proposal"), classes, looks.proposal_colours)

    def close(self) -> None:
        """Write what is unsaved, take our layers away and let go of session and viewer.

        Layers that nobody saves any more would invite a person to paint into the void.
        """
        for tool in (self.pointing, self.right_erases, self.vertices, self.stroke_end):
            tool.close()
        self.flush()
        self.scribbles.record()
        self._clear()
        let_go(self)
        mouse = self.viewer.mouse_drag_callbacks, self.viewer.mouse_wheel_callbacks
        for callbacks, ours in zip(mouse, (self._on_press, self._on_wheel), strict=True):
            if ours in callbacks:
                callbacks.remove(ours)
