"""Pointing with the mouse instead of painting: at things, by a click or a box, or at whole regions, many in a drag.

While the tool is on, the mask is the active layer in napari's pan mode with panning switched off: the wheel still
zooms, Space held still moves the picture, and any of napari's own tools ends it.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from napari.layers import Labels, Layer
from qtpy.QtCore import QObject, Signal

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.pixels.clicks.prompts import Click, PromptBox
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import soon
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.layers.brush import Brush
from napari_wsss.widgets.layers.clicks.drags import followed
from napari_wsss.widgets.layers.host import LayerHost
from napari_wsss.widgets.layers.pointing_layer import PointingOverlay
from napari_wsss.widgets.layers.scribble_tool import ScribbleTool

Mode = Literal["", "things", "regions", "wand"]
HINTS: dict[Mode, str] = {
    "things": "Left click: this is the class. Right click: it is not. Drag: a box around it. Esc: the next thing.",
    "regions": "Click or drag: these regions are the class; Shift: all alike, too. Right button: background. Esc ends.",
    "wand": "Press on a colour; drag right for more that is alike, left for less. Right button: background. Esc ends.",
}
IN_SHORT: dict[Mode, str] = {
    "things": "Left: this class · right: not · drag: a box · Esc",
    "regions": "Click, drag: class · Shift: all alike · right: not",
    "wand": "Press; drag right: more, left: less alike · Esc",
}
"""What fits the head of the panel, said when a tool is taken."""
LEFT, RIGHT = 1, 2
PAN, ESCAPE, SPACE = "pan_zoom", "Escape", "Space"
PER_PIXEL = 0.25
"""Steps of colour by which the wand's tolerance grows with each pixel of the screen."""
DRAG = 5
"""Pixels of the screen from which on a press that moves is a box."""


class PointTool(QObject):
    """Clicks and boxes in the viewer.

    Parameters
    ----------
    session : Session
    host : LayerHost
        Whose mask this is about.
    brush : Brush
        The class that is pointed at.
    scribbles : ScribbleTool
        Given up for this tool.

    Attributes
    ----------
    mode : str
        ``things``, ``regions``, ``wand``, or "" while the tool is put away.
    changed : Signal()
        It was taken or put away.
    """

    changed = Signal()

    def __init__(
        self, session: Session, host: LayerHost, brush: Brush, scribbles: ScribbleTool, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._host, self._brush, self._scribbles = session, host, brush, scribbles
        self._overlay = next(one for one in host.overlays if isinstance(one, PointingOverlay))
        self._bound: Labels | None = None
        self.mode: Mode = ""
        host.viewer.mouse_drag_callbacks.append(self._on_drag)
        listen(
            self,
            (session.signals.image_changed, self._on_image),
            (session.signals.project_closed, self.put_away),
            (host.viewer.layers.selection.events.active, self._on_active),
        )
        scribbles.changed.connect(self._on_scribbles)

    @property
    def is_on(self) -> bool:
        """True while a person points at things or regions."""
        return self.mode != ""

    def toggle(self, mode: Mode = "things") -> None:
        """Take the tool, or go back to painting the mask."""
        before = self.mode
        self.put_away()
        if before != mode:
            self._take(mode)

    def put_away(self) -> None:
        """Go back to painting the mask."""
        if not self.is_on:
            return
        self.mode, self._overlay.is_wanted = "", False
        self._session.pointing.end()
        self._session.wand.drop()
        self._session.regions.want(False)
        self._unbind()
        self._host.feed_overlays()
        self._session.signals.notice.emit("")  # the hint was about this tool
        self.changed.emit()

    def close(self) -> None:
        """Let go of the viewer."""
        self.put_away()
        if self._on_drag in self._host.viewer.mouse_drag_callbacks:
            self._host.viewer.mouse_drag_callbacks.remove(self._on_drag)

    def _take(self, mode: Mode) -> None:
        mask = self._host.mask
        if mask is None or not mask.editable:
            return
        self._scribbles.choose(False)
        mask.visible = True
        self.mode, self._overlay.is_wanted = mode, mode == "things"
        self._hold(mask)
        self._prepare()
        self._session.signals.notice.emit(IN_SHORT[mode])
        self._host.feed_overlays()
        self.changed.emit()

    def _prepare(self) -> None:
        if self.mode == "things":
            self._session.pointing.prepare()
        elif self.mode == "regions":
            self._session.regions.want(True)

    # -- keeping napari's hands off ---------------------------------------------------------------------------

    def _hold(self, mask: Labels) -> None:
        """Make the mask the active layer, neither painted into nor dragged about."""
        if self._bound is not mask:
            self._unbind()
            self._bound = mask
            mask.events.mode.connect(self._on_mode)
            mask.bind_key(ESCAPE, self._on_escape, overwrite=True)
            mask.bind_key(SPACE, self._while_space, overwrite=True)
        self._scribbles.activate()
        mask.mode = PAN
        mask.mouse_pan = False

    def _unbind(self) -> None:
        mask, self._bound = self._bound, None
        if mask is None:
            return
        mask.events.mode.disconnect(self._on_mode)
        mask.bind_key(ESCAPE, None)
        mask.bind_key(SPACE, None)
        mask.mouse_pan = mask.mode == PAN

    def _on_mode(self, _event: Any = None) -> None:
        if self._host.is_busy or self._bound is None:
            return
        if self._bound.mode == PAN:
            self._bound.mouse_pan = False
        else:
            self.put_away()  # one of napari's own tools was taken

    def _on_image(self, _image_id: str = "") -> None:
        if self.is_on:
            soon(self, self._again)  # after the layers show the image

    def _again(self) -> None:
        mask = self._host.mask
        if self.is_on and mask is not None:
            self._hold(mask)
            if self.mode == "things":
                self._session.pointing.prepare()

    def _on_active(self, event: Any) -> None:
        if self.is_on and not self._host.is_busy and event.value is not None and event.value is not self._bound:
            self.put_away()

    def _on_scribbles(self) -> None:
        if self.is_on and self._scribbles.painted is not None:
            self.put_away()

    def _on_escape(self, _layer: Layer) -> None:
        """End the thing, and the tool where no thing was pointed at."""
        if not self._session.pointing.end():
            self.put_away()

    def _while_space(self, mask: Labels) -> Iterator[None]:
        mask.mouse_pan = True
        yield
        mask.mouse_pan = not self.is_on

    # -- the mouse ----------------------------------------------------------------------------------------------

    def _on_drag(self, _viewer: Any, event: Any) -> Iterator[None] | None:
        if self.is_on and self._bound is not None and not self._bound.mouse_pan and event.button in (LEFT, RIGHT):
            follow = {"things": self._pointed, "regions": self._brushed, "wand": self._filled}[self.mode]
            return follow(event)
        return None

    def _pointed(self, event: Any) -> Iterator[None]:
        """Follow the mouse from press to release: a click where it was pressed, or a box."""
        first, pressed, button = self._place(event), np.asarray(event.pos, float), event.button
        corner = first

        def move() -> None:
            nonlocal corner
            if button == LEFT and np.abs(np.asarray(event.pos) - pressed).max() >= DRAG:
                corner = self._place(event)
                self._show_box(self._boxed(first, corner))

        yield from followed(event, move)
        self._show_box(None)
        if corner is not first:
            self._point_box(self._boxed(first, corner))
        elif self._is_inside(first):
            self._point(Click(round(first[0]), round(first[1]), button == LEFT))

    def _brushed(self, event: Any) -> Iterator[None]:
        """Follow the mouse from press to release: every region on its way is meant; with Shift all that look alike."""
        value, alike = self._brush.value if event.button == LEFT else BACKGROUND, "Shift" in event.modifiers
        way = [self._place(event)]
        yield from followed(event, lambda: way.append(self._place(event)))
        self._session.regions.give([place for place in self._along(way) if self._is_inside(place)], value, alike)

    def _filled(self, event: Any) -> Iterator[None]:
        """Follow the mouse from press to release: right is more of what is coloured alike, left is less."""
        wand, first, pressed = self._session.wand, self._place(event), float(event.pos[0])
        value = self._brush.value if event.button == LEFT else BACKGROUND
        if not (self._is_inside(first) and wand.hold(round(first[0]), round(first[1]))):
            return
        start = wand.tolerance
        yield from followed(event, lambda: wand.reach(start + (float(event.pos[0]) - pressed) * PER_PIXEL))
        wand.fill(value)

    @staticmethod
    def _along(way: list[tuple[float, float]]) -> list[tuple[int, int]]:
        """Return every pixel on a way through places, for the mouse tells only some of them."""
        found = [(round(row), round(column)) for row, column in way[:1]]
        for first, last in pairwise(way):
            steps = max(1, round(max(abs(last[0] - first[0]), abs(last[1] - first[1]))))
            line = np.rint(np.linspace(first, last, steps + 1)[1:]).astype(int)
            found += [(int(row), int(column)) for row, column in line]
        return found

    def _point(self, click: Click) -> None:
        if self._can_point():
            self._session.pointing.click(click, self._brush.value)

    def _point_box(self, box: PromptBox) -> None:
        if self._can_point() and box.bottom - box.top > 1 and box.right - box.left > 1:
            self._session.pointing.box(box, self._brush.value)

    def _can_point(self) -> bool:
        if self._brush.value != IGNORE:
            return True
        self._session.signals.notice.emit("Ignore is painted, not pointed at: choose a class.")
        return False

    def _place(self, event: Any) -> tuple[float, float]:
        assert self._bound is not None
        row, column = self._bound.world_to_data(event.position)[-2:]
        return float(row), float(column)

    def _is_inside(self, place: tuple[float, float]) -> bool:
        assert self._bound is not None
        height, width = self._bound.data.shape
        return bool(0 <= round(place[0]) < height and 0 <= round(place[1]) < width)

    def _boxed(self, first: tuple[float, float], last: tuple[float, float]) -> PromptBox:
        """Return the box between two places, kept inside the image."""
        assert self._bound is not None
        ends = np.rint(np.sort([first, last], axis=0)).astype(int)
        ends[1] += 1
        (top, left), (bottom, right) = np.clip(ends, 0, self._bound.data.shape)
        return PromptBox(int(top), int(left), int(bottom), int(right))

    def _show_box(self, box: PromptBox | None) -> None:
        self._overlay.drawn = box
        self._host.feed_overlays()
