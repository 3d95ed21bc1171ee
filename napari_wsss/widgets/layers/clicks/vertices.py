"""Moving the vertices of a polygon before it becomes pixels.

napari's polygon tool only adds vertices (left) and takes the last one back (right). Here a press on a vertex moves it,
and a press on an edge puts a new vertex there; anywhere else napari's tool goes on as it does.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from numpy.typing import NDArray

from napari_wsss.widgets.layers.clicks.drags import followed
from napari_wsss.widgets.layers.clicks.point_tool import LEFT

REACH = 7.0
"""Pixels of the screen from which on a press is not on a vertex or an edge."""
POLYGON = "polygon"
POLYGON_HINT = "Click: vertex · on one: move it · Enter fills · Esc"
"""What fits the head of the panel, said when the tool is taken."""
Place = NDArray[np.float64]


class PolygonVertices:
    """Listens to the viewer's mouse while a layer of ours is in polygon mode.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        viewer.mouse_drag_callbacks.append(self._on_press)

    def close(self) -> None:
        """Let go of the viewer."""
        if self._on_press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_press)

    def _on_press(self, viewer: ViewerModel, event: Any) -> Iterator[None] | None:
        layer = viewer.layers.selection.active
        if not isinstance(layer, Labels) or layer.mode != POLYGON or event.button != LEFT:
            return None
        overlay = layer._overlays[POLYGON]
        held = self._held(overlay, _place(layer, event), REACH / event.camera_zoom)
        return None if held is None else self._moved(layer, overlay, held, event)

    @staticmethod
    def _held(overlay: Any, place: Place, reach: float) -> int | None:
        """Return the number of the vertex at a place, made there where it is on an edge; None where neither is."""
        vertices = np.array(overlay.points[:-1], float)  # the last one follows the mouse
        if not len(vertices):
            return None
        away = np.linalg.norm(vertices - place, axis=1)
        if away.min() <= reach:
            return int(away.argmin())
        for number, (first, last) in enumerate(pairwise(vertices)):
            if _distance(place, first, last) <= reach:
                overlay.points = [*overlay.points[: number + 1], place.tolist(), *overlay.points[number + 1 :]]
                return number + 1
        return None

    @staticmethod
    def _moved(layer: Labels, overlay: Any, held: int, event: Any) -> Iterator[None]:
        """Let a vertex follow the mouse from press to release; napari's tool, which would add one, looks away."""

        def move() -> None:
            points = list(overlay.points)
            points[held] = _place(layer, event).tolist()
            points[-1] = points[-2]  # the mouse's own, which Enter fills in, too: it adds nothing to what is moved
            overlay.points = points

        overlay.enabled = False
        try:
            yield from followed(event, move)
        finally:
            overlay.enabled = layer.mode == POLYGON


def _place(layer: Labels, event: Any) -> Place:
    """Return where the mouse is, as napari's polygons count: the middle of the first pixel is 0.5."""
    return np.asarray(layer.world_to_data(event.position), float) + 0.5


def _distance(place: Place, first: Place, last: Place) -> float:
    """Return how far a place is from the line between two others."""
    along = last - first
    length = float(along @ along)
    share = 0.0 if length == 0 else float(np.clip((place - first) @ along / length, 0, 1))
    return float(np.linalg.norm(first + share * along - place))
