"""Joint augmentation of an image and its mask: random scale, crop, flip and colour jitter."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.parameters import parameter

Pixels = NDArray[np.uint8]
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Augmentation:
    """How training images are varied."""

    crop: int = parameter(
        321, "Crop", "Side of the square training crop in pixels; smaller is faster.", bounds=(32, 2049)
    )
    scale_low: float = parameter(
        0.9, "Smallest scale", "Lower end of the random scale, see its reference.", bounds=(0.1, 8.0)
    )
    scale_high: float = parameter(
        1.5, "Largest scale", "Upper end of the random scale, see its reference.", bounds=(0.1, 8.0)
    )
    scale_of: str = parameter(
        "crop",
        "Scale refers to",
        "'crop': the long side becomes scale x crop, so that most of the image stays in view (image-level labels "
        "hold); 'image': the image is enlarged by the scale (pixel labels).",
        choices=("crop", "image"),
        advanced=True,
    )
    flip: bool = parameter(True, "Flip", "Mirror every second image left to right.")
    flip_vertical: bool = parameter(
        False,
        "Flip upside down",
        "Mirror every second image top to bottom, too: for pictures without an up, from microscopes or from the air.",
        advanced=True,
    )
    quarter_turns: bool = parameter(
        False, "Quarter turns", "Turn images by 0, 90, 180 or 270 degrees, for pictures without an up.", advanced=True
    )
    colour: float = parameter(
        0.3, "Colour jitter", "Largest relative change of brightness, contrast, saturation.", bounds=(0.0, 0.9)
    )


def augmented(
    image: Pixels,
    mask: Pixels | None,
    parameters: Augmentation,
    rng: np.random.Generator,
    *,
    padding: tuple[int, int, int],
) -> tuple[Pixels, Pixels | None]:
    """Return a random crop of an image and the same crop of its mask.

    Scale and crop are one resampling of the visible region only: bilinear with anti-aliasing for the image,
    nearest neighbour for the mask. What lies outside the image is filled with `padding` and 255.

    Parameters
    ----------
    image : (H, W, 3) uint8
    mask : (H, W) uint8, optional
    parameters : Augmentation
    rng : numpy Generator
        Everything random comes from it.
    padding : (3,) int in [0, 255]
        RGB outside the image; the mean colour of the network's normalisation.

    Returns
    -------
    (crop, crop, 3) uint8 and (crop, crop) uint8 or None
    """
    view = _random_view(image.shape[0], image.shape[1], parameters, rng)
    mirrored = parameters.flip and rng.random() < 0.5
    pixels = _seen(image, view, Image.Resampling.BILINEAR, padding)
    pixels = jittered(pixels, parameters.colour, rng)
    values = None if mask is None else _seen(mask, view, Image.Resampling.NEAREST, IGNORE)
    turn = drawn_turn(parameters, mirrored, rng)
    return turn(pixels), None if values is None else turn(values)


def drawn_turn(parameters: Augmentation, mirrored: bool, rng: np.random.Generator) -> Callable[[Pixels], Pixels]:
    """Return what turns a square (S, S) or (S, S, 3), and all that lies over it: `mirrored`, and as is drawn here."""
    upside_down = parameters.flip_vertical and rng.random() < 0.5
    quarters = int(rng.integers(4)) if parameters.quarter_turns else 0

    def turned(pixels: Pixels) -> Pixels:
        pixels = pixels[:, ::-1] if mirrored else pixels
        pixels = pixels[::-1] if upside_down else pixels
        return np.rot90(pixels, quarters) if quarters else pixels

    return turned


@dataclass(frozen=True)
class _View:
    """A crop of `side` pixels in the scaled image: `scale` and the offset (top, left) of the crop, maybe negative."""

    scale: float
    top: int
    left: int
    side: int


def _random_view(height: int, width: int, parameters: Augmentation, rng: np.random.Generator) -> _View:
    low, high = sorted((parameters.scale_low, parameters.scale_high))
    scale = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    if parameters.scale_of == "crop":
        scale *= parameters.crop / max(height, width)
    side = parameters.crop
    top, left = (_offset(round(length * scale), side, rng) for length in (height, width))
    return _View(scale, top, left, side)


def _offset(length: int, side: int, rng: np.random.Generator) -> int:
    """Return where the crop starts: anywhere inside, or negative so that a short image lies anywhere in the crop."""
    room = length - side
    return int(rng.integers(min(0, room), max(0, room) + 1))


def _seen(pixels: Pixels, view: _View, how: Image.Resampling, fill: int | tuple[int, ...]) -> Pixels:
    height, width = pixels.shape[:2]
    top, left = max(0, view.top), max(0, view.left)
    bottom = min(max(1, round(height * view.scale)), view.top + view.side)
    right = min(max(1, round(width * view.scale)), view.left + view.side)
    box = (left / view.scale, top / view.scale, min(width, right / view.scale), min(height, bottom / view.scale))
    part = Image.fromarray(pixels).resize((right - left, bottom - top), how, box=box)
    canvas = np.empty((view.side, view.side, *pixels.shape[2:]), np.uint8)
    canvas[...] = fill
    row, column = top - view.top, left - view.left
    canvas[row : row + bottom - top, column : column + right - left] = np.asarray(part)
    return canvas


def jittered(image: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Return the image with brightness, contrast and saturation each changed by a random factor 1 +- `strength`."""
    if strength == 0:
        return image
    brightness, contrast, saturation = rng.uniform(1 - strength, 1 + strength, 3).astype(np.float32)
    pixels = image.astype(np.float32) * brightness
    grey = pixels @ LUMA
    # Contrast pulls towards the mean grey, saturation towards each pixel's own grey: one blend does both.
    pixels *= contrast * saturation
    pixels += (contrast * (1 - saturation) * grey + (1 - contrast) * grey.mean())[..., None]
    jittered: Pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    return jittered
