"""Our layers in a viewer: put in, fed, kept in their order and under their names; the only place for ``viewer.layers``.

Layers are made once and fed again for each image, so opacity, brush and tool survive. What was fed is remembered and
compared, so that only a layer whose array changed is touched. What the layers show, and what becomes of what is painted
into them, is decided elsewhere (`viewer_sync`, `scribble_tool`).
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar, get_args

from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import QObject, Signal

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.cam_layers import CamLayers
from napari_wsss.widgets.layers.outline import OutlineWidth
from napari_wsss.widgets.layers.overlay import Place
from napari_wsss.widgets.layers.overlays import make_overlays

Result = TypeVar("Result")
MEASURE = "_on_layers_change"
"""What a viewer does when the data of a layer changed; no name that napari promises to keep."""


def _assign(layer: Layer, data: Any) -> None:
    layer.data = data


class LayerHost(QObject):
    """The layers that belong to a project, among everybody else's.

    Attributes
    ----------
    notice : Signal(str)
        One quiet line for the status line.
    layers_changed : Signal()
        A layer of ours was added (its keys need binding).
    lost : Signal(str)
        Somebody took the layer of this name away.
    cams : CamLayers
        The activation maps.
    overlays : tuple of Overlay
        What comes and goes, bottom to top.
    """

    notice = Signal(str)
    layers_changed = Signal()
    lost = Signal(str)

    def __init__(self, viewer: ViewerModel, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.cams = CamLayers(self._add_cam, self.remove)
        self.overlays = make_overlays(session)
        self._single: dict[str, Layer] = {}
        self._fed: dict[int, Any] = {}  # id of a layer -> the array it shows
        self._busy = False  # our own changes to layers are no edits and no deletions
        self.outline_width = OutlineWidth(viewer, lambda: self.layer("proposal"), self)
        self.layers_changed.connect(self.outline_width.look)  # the zoom was that already when the layer came
        listen(self, (viewer.layers.events.removed, self._on_removed))

    # What there is

    def layer(self, role: str) -> Layer | None:
        """Return the layer of a role that has one (``image``, ``proposal``, ``mask``), None while it has none."""
        return self._single.get(role)

    @property
    def mask(self) -> Labels | None:
        """The layer a person paints into, or None while no image is shown."""
        return self._single.get("mask")

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Our layers, bottom to top."""
        over = {place: [one.layer for one in self.overlays if one.place == place] for place in get_args(Place)}
        maps = [*self.cams.layers, *self.cams.spares, *over["below proposal"]]
        order = [
            self.layer("image"),
            *maps,
            self.layer("proposal"),
            *over["below mask"],
            self.mask,
            *over["on top"],
        ]
        return tuple(layer for layer in order if layer is not None)

    @property
    def is_busy(self) -> bool:
        """True while a change of a layer is ours, not a person's."""
        return self._busy

    def guarded(self, change: Callable[[], Result]) -> Result:
        """Make a change of ours, during which layer events are not a person's; return what it returns."""
        before, self._busy = self._busy, True
        try:
            return change()
        finally:
            self._busy = before

    # Feeding

    def feed(
        self,
        role: str,
        data: Any,
        make: Callable[[Any], Layer],
        show: Callable[[Any, Any], None] = _assign,
    ) -> Layer:
        """Bring data into the layer of a role, made where there is none, and return it.

        Parameters
        ----------
        role : str
            ``image``, ``proposal`` or ``mask``.
        data : array
            Nothing happens where the layer shows this very array.
        make : callable
            Returns a new layer for data.
        show : callable
            Puts other data into a layer; assigned by default.
        """
        layer = self._single.get(role)
        if layer is None:
            layer = self._single[role] = make(data)
            self._add(layer, self._position_of(role))
        elif self._fed.get(id(layer)) is not data:
            show(layer, data)
        self._fed[id(layer)] = data
        return layer

    def feed_image(self, pixels: Any, grey: bool) -> None:
        """Bring the photograph (H, W, 3) uint8 into its layer, another one where it is no longer grey or in colour."""
        before = self._single.get("image")
        if before is not None and before.rgb == grey:  # napari's layers cannot change that
            self.remove(self._single.pop("image"))
        self.feed("image", pixels, lambda given: looks.image_layer(given, grey), looks.show_image)

    def feed_overlays(self) -> None:
        """Bring the layers that come and go after the session; the active layer stays what it was."""
        selection = self.viewer.layers.selection
        active = selection.active
        self.guarded(self._feed_overlays)
        if active in self.viewer.layers and selection.active is not active:
            self.guarded(lambda: setattr(selection, "active", active))

    def _feed_overlays(self) -> None:
        for overlay in self.overlays:
            overlay.feed(self._add_overlay, self.remove)

    @contextmanager
    def measured_once(self) -> Iterator[None]:
        """Let the viewer measure how far all layers reach once, after several of them were fed.

        napari does it whenever the data of one changes, at the price of the change itself. A version that gives this
        another name does so still.
        """
        measure = getattr(self.viewer, MEASURE, None)
        if measure is None:
            yield
            return
        with ExitStack() as held_back:
            for layer in self.layers:
                held_back.enter_context(layer.events.data.blocker(measure))
            yield
        measure()

    # Coming and going

    def adopt(self) -> None:
        """Take over a tagged image layer that the reader or the sample added before the dock opened."""
        if "image" in self._single:
            return
        for layer in self.viewer.layers:
            if looks.role_of(layer) == "image" and isinstance(layer, Image):
                layer.locked = True
                self._single["image"] = layer
                layer.events.name.connect(self._on_renamed)
                return

    def _position_of(self, role: str) -> int:
        if role == "image":
            return 0
        on_top = [one.layer for one in self.overlays if one.place == "on top" and one.layer in self.viewer.layers]
        return self._below(self.mask if role == "proposal" else next(iter(on_top), None))

    def _below(self, layer: Layer | None) -> int:
        """Return the position just below a layer, on top of all without one."""
        return len(self.viewer.layers) if layer is None else self.viewer.layers.index(layer)

    def _add_cam(self, layer: Image, row: int) -> None:
        self._add(layer, self.viewer.layers.index(self._single["image"]) + 1 + row)

    def _add_overlay(self, layer: Layer, place: Place) -> None:
        own = next(number for number, one in enumerate(self.overlays) if one.layer is layer)
        later = (one.layer for one in self.overlays[own + 1 :] if one.place == place)
        beside = self._single.get({"below proposal": "proposal", "below mask": "mask"}.get(place, ""))
        above = next((one for one in later if one in self.viewer.layers), beside)
        active = self.viewer.layers.selection.active
        self._add(layer, self._below(above))
        self.viewer.layers.selection.active = active  # napari activates what comes; the person goes on painting

    def _add(self, layer: Layer, position: int) -> None:
        selection = self.viewer.layers.selection
        active = selection.active
        self.viewer.layers.insert(min(position, len(self.viewer.layers)), layer)
        looks.keep_colours(layer)
        if active is not None and looks.role_of(active):
            selection.active = active  # napari marks each new layer, but a person goes on painting
        layer.events.name.connect(self._on_renamed)
        self.layers_changed.emit()

    def remove(self, layer: Layer) -> None:
        """Take a layer of ours out of the viewer, where it still is."""
        self._fed.pop(id(layer), None)
        if layer in self.viewer.layers:
            self.viewer.layers.remove(layer)

    def clear(self) -> None:
        """Take all our layers away."""
        self.guarded(self._remove_all)
        self._single.clear()
        self._fed.clear()

    def _remove_all(self) -> None:
        self.cams.clear()
        for layer in [*self._single.values(), *(one.layer for one in self.overlays if one.layer is not None)]:
            self.remove(layer)
        for overlay in self.overlays:
            overlay.forget()

    def _on_removed(self, event: Any) -> None:
        layer = event.value
        if self._busy or layer not in self.layers:
            return
        self._single = {role: kept for role, kept in self._single.items() if kept is not layer}
        if looks.role_of(layer) == "cam":
            self.guarded(lambda: self.cams.forget(layer))
        for overlay in self.overlays:
            if layer is overlay.layer:
                overlay.forget()
        self._fed.pop(id(layer), None)
        self.lost.emit(layer.name)

    # Names

    def _on_renamed(self, event: Any) -> None:
        layer = event.source
        if self._busy or layer not in self.layers:
            return
        wanted = self._name_of(layer)
        # napari appends " [1]" itself where another layer already has the name.
        if re.fullmatch(re.escape(wanted) + r"( \[\d+\])?", layer.name):
            return
        self.guarded(lambda: setattr(layer, "name", wanted))
        self.notice.emit(f"Layer names are fixed; '{wanted}' has its name back.")

    def _name_of(self, layer: Layer) -> str:
        if layer in self.cams.layers:
            return looks.cam_name(self.cams.names[self.cams.layers.index(layer)])
        return looks.SPARE if layer in self.cams.spares else looks.role_of(layer)
