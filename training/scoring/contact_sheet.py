"""Pictures of activation maps side by side: one row per image, one column per method."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from napari_wsss.core.files import publish
from napari_wsss.core.maps import ActivationMaps

Cell = tuple[str, NDArray[np.uint8], ActivationMaps | None, NDArray[np.uint8]]
SIDE, GAP, CAPTION = 240, 6, 14
OPACITY = 0.75


def contact_sheet(path: Path, rows: Sequence[Sequence[Cell]]) -> None:
    """Write a PNG of cells (caption, pixels (H,W,3) uint8, maps or None, palette (256,3) uint8).

    Maps are laid over the grey image in the colours of their classes, as opaque as their scores.
    """
    columns = max((len(row) for row in rows), default=0)
    if not columns:
        return
    heights = [max(_thumbnail(*cell[1:]).height for cell in row) + CAPTION + GAP for row in rows]
    sheet = Image.new("RGB", (columns * (SIDE + GAP) + GAP, sum(heights) + GAP), "white")
    draw, top = ImageDraw.Draw(sheet), GAP
    for row, height in zip(rows, heights, strict=True):
        for column, (caption, pixels, maps, palette) in enumerate(row):
            left = GAP + column * (SIDE + GAP)
            draw.text((left, top), caption, fill="black")
            sheet.paste(_thumbnail(pixels, maps, palette), (left, top + CAPTION))
        top += height
    with publish(path) as file:
        sheet.save(file, "PNG")


def overlaid(pixels: NDArray[np.uint8], maps: ActivationMaps, palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the grey image (H,W,3) uint8 with every map blended in, the strongest class of each pixel on top."""
    grey = np.repeat(pixels.mean(2, keepdims=True), 3, axis=2)
    strength, value = maps.strongest()
    weight = OPACITY * strength[:, :, None]
    mixed: NDArray[np.uint8] = ((1 - weight) * grey + weight * palette[value]).round().astype(np.uint8)
    return mixed


def _thumbnail(pixels: NDArray[np.uint8], maps: ActivationMaps | None, palette: NDArray[np.uint8]) -> Image.Image:
    picture = Image.fromarray(pixels if maps is None else overlaid(pixels, maps, palette))
    factor = SIDE / max(picture.size)
    return picture.resize((max(1, round(picture.width * factor)), max(1, round(picture.height * factor))))
