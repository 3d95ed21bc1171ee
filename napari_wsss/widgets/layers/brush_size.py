"""Brush sizes are those on the screen: a large picture shown whole has the same brush there as a small one.

napari's own are in pixels of the image. What the person chooses while looking at an image is kept for the next one too.
"""

from typing import Any

from napari.layers import Labels

from napari_wsss.widgets.layers.outline import HALO

HALO_WIDTH = 1
"""Pixels of the screen."""
KEPT = "brush size"
"""Where a layer keeps ``(zoom, size at this zoom, unrounded; size as it was set)``."""


def set_on_screen(layer: Labels, size: float, zoom: float) -> None:
    """Give a layer a brush of `size` pixels on a screen that shows `zoom` of them for each pixel of the image."""
    exact = size / zoom
    layer.brush_size = max(1, round(exact))
    layer.metadata[KEPT] = (zoom, exact, layer.brush_size)


def keep_on_screen(layer: Labels, zoom: float) -> None:
    """Keep how large a layer's brush is on the screen where another zoom shows the whole image.

    A new layer's brush is in pixels of the screen. Sizes stay unrounded until the person chooses another one, so that
    a brush of less than a pixel on a small picture is not lost.
    """
    if layer.metadata.get(HALO):
        layer.contour = max(1, round(HALO_WIDTH / zoom))
    before, exact, given = layer.metadata.get(KEPT, (1.0, layer.brush_size, layer.brush_size))
    if zoom != before:
        set_on_screen(layer, before * (exact if layer.brush_size == given else layer.brush_size), zoom)


def step(layer: Labels, notches: float) -> None:
    """Make a brush larger (`notches` > 0) or smaller by an eighth of its size for each notch, at least by a pixel."""
    if notches:
        before = layer.brush_size
        size = round(before * 1.125**notches)
        layer.brush_size = max(1, size if size != before else before + (1 if notches > 0 else -1))


def step_by_wheel(layer: Labels, event: Any) -> None:
    """Follow a wheel that is turned with Shift while a layer is painted into or erased."""
    if layer.mode in ("paint", "erase") and "Shift" in event.modifiers:
        step(layer, float(sum(event.delta)))  # some systems turn a wheel sideways with Shift
