"""Outlines of a mask, fast enough to follow the threshold slider.

napari draws the contours of a Labels layer by two rank filters over every pixel: 80 ms for 4 megapixels, several times
the cost of showing the mask filled. Minima and maxima of shifted arrays give the same pixels in a fifteenth of that.
The image's border closes a region that touches it; napari leaves it open, so that a mask of one class would not show.

A line of two pixels of a 16-megapixel picture is not seen where the whole of it is shown. There the outline is drawn of
every second, fourth ... pixel and enlarged, which is also quicker (`OutlineWidth`).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Layer
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_wsss.widgets.controls.basic import single_shot
from napari_wsss.widgets.controls.listening import listen

HALO = "halo"
COARSE = "outlined pixels"
"""Key of how many pixels of the image, in a row, an outline's pixel stands for; one without it."""
ZOOM_RESTS_MS = 150
OUTLINE = 2
"""Pixels of the line of a mask that is shown as outline only."""
HOOK = "_calculate_contour"
"""The method of napari's Labels that is replaced. It is private: where it is missing, napari's contours stay."""
STRIP_PIXELS = 2**18
"""Pixels worked on at a time: what fits the processor's cache is done twice as fast."""


def outlines(values: NDArray[Any], thickness: int, background: int = 0) -> NDArray[Any]:
    """Return only the borders of the regions of a mask: napari's contours, closed at the image's border.

    Parameters
    ----------
    values : (H, W) integer
    thickness : int
        Pixels inside a region's border, from 1; one pixel outside is added where the neighbour is lower.
    background : int
        What everything else becomes.
    """
    found = np.empty_like(values)
    rows = max(1, STRIP_PIXELS // max(1, values.shape[1]))
    for first in range(0, len(values), rows):
        start = max(0, first - thickness)
        strip = _borders(values[start : first + rows + thickness], thickness, background)
        found[first : first + rows] = strip[first - start : first - start + rows]
    for edge in (np.s_[:thickness], np.s_[-thickness:], np.s_[:, :thickness], np.s_[:, -thickness:]):
        found[edge] = values[edge]
    return found


def _borders(values: NDArray[Any], thickness: int, background: int) -> NDArray[Any]:
    lowest = values
    for _ in range(thickness):
        lowest = _over_neighbours(np.minimum, lowest)
    border = _over_neighbours(np.maximum, values) != lowest
    if background == 0:
        kept: NDArray[Any] = np.multiply(values, border, dtype=values.dtype)  # eight times faster than `where`
        return kept
    return np.where(border, values, values.dtype.type(background))


def _over_neighbours(pick: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
    """Return the minimum or maximum over each pixel and its four neighbours."""
    found = values.copy()
    for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:-1], np.s_[1:])):
        pick(found[here], values[there], out=found[here])
        pick(found[:, here], values[:, there], out=found[:, here])
    return found


def with_halo(contours: NDArray[Any], halo: int, thickness: int = 1) -> NDArray[Any]:
    """Return contours, (H, W) integer, with a line of the value `halo` around each, where nothing else is."""
    found = np.empty_like(contours)
    rows = max(1, STRIP_PIXELS // max(1, contours.shape[1]))
    for first in range(0, len(contours), rows):
        start = max(0, first - thickness)
        strip = near = contours[start : first + rows + thickness]
        for _ in range(thickness):
            near = _over_neighbours(np.maximum, near)
        empty_near = np.multiply((near != 0) & (strip == 0), halo, dtype=contours.dtype)  # quicker than `where`
        found[first : first + rows] = (strip + empty_near)[first - start : first - start + rows]
    return found


def ring_strokes(layer: Labels) -> None:
    """Let `layer` stay filled and have a line around what it holds: of the value `HALO`, as wide as its contour."""
    if getattr(layer, HOOK, None) is None:
        return

    def ringed(labels: NDArray[Any], data_slice: tuple[slice, ...]) -> Any:
        halo, wide = layer.metadata.get(HALO, 0), layer.contour
        if not halo or wide < 1 or labels.ndim != 2:
            return None  # filled, and nothing else
        around = tuple(slice(max(0, part.start - wide), part.stop + wide) for part in data_slice)
        within = zip(data_slice, around, strict=True)
        inside = tuple(slice(part.start - outer.start, part.stop - outer.start) for part, outer in within)
        return with_halo(labels[around], halo, wide)[inside]

    layer.contour = 1
    setattr(layer, HOOK, ringed)


def enlarged(values: NDArray[Any], times: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return an array of `shape` in which every pixel of `values` is a square of `times` x `times`, cut at the end."""
    height, width = shape
    return values.repeat(times, axis=0)[:height].repeat(times, axis=1)[:, :width]


class OutlineWidth(QObject):
    """Keeps the outline of a layer as wide on the screen at every zoom; it is drawn anew when the zoom rests.

    Parameters
    ----------
    viewer : ViewerModel
    outlined : callable
        Returns the layer, None while there is none; its outline is drawn by `quicken_contours`.
    """

    def __init__(
        self, viewer: ViewerModel, outlined: Callable[[], Layer | None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._camera = getattr(viewer, "scene", viewer).camera  # napari < 0.9 has no scene
        self._outlined = outlined
        self._soon = single_shot(self, ZOOM_RESTS_MS, self.fit)
        listen(self, (self._camera.events.zoom, self.look))

    def look(self, _event: object = None) -> None:
        """Draw the outline anew when the zoom rests, where it has to be another."""
        if self._coarse() is not None:
            self._soon.start()

    def _coarse(self) -> int | None:
        """Return how coarse the outline has to be, None where it is already."""
        layer = self._outlined()
        wanted = 2 ** max(0, round(math.log2(1 / max(self._camera.zoom, 1e-3))))
        return None if layer is None or layer.metadata.get(COARSE, 1) == wanted else wanted

    def fit(self) -> None:
        """Draw the outline for the zoom of now."""
        wanted, layer = self._coarse(), self._outlined()
        if wanted is not None and layer is not None:
            layer.metadata[COARSE] = wanted
            layer.refresh(extent=False, thumbnail=False, highlight=False)


def toggle_outline(layer: Labels) -> bool:
    """Show a filled mask as outline only, or filled again; tell whether it is outlined now."""
    layer.contour = 0 if layer.contour else OUTLINE
    return bool(layer.contour)


def quicken_contours(layer: Labels) -> None:
    """Let `layer` draw its contours by `outlines`, with a line around them of the value its metadata has as `HALO`."""
    usual = getattr(layer, HOOK, None)
    if usual is None:
        return

    def contours(labels: NDArray[Any], data_slice: tuple[slice, ...]) -> Any:
        if layer.contour < 1 or labels.ndim != 2:
            return usual(labels, data_slice)
        coarse, halo = layer.metadata.get(COARSE, 1), layer.metadata.get(HALO, 0)
        found = outlines(labels[::coarse, ::coarse], layer.contour, layer.colormap.background_value)
        found = with_halo(found, halo) if halo else found
        return (enlarged(found, coarse, labels.shape) if coarse > 1 else found)[data_slice]

    setattr(layer, HOOK, contours)
