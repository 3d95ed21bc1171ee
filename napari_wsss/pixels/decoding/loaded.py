"""A picture as it was read: its pixels, and what was changed, left out or told on the way to them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.pixels.decoding import deep_images
from napari_wsss.pixels.decoding.stacks import SIDEWAYS
from napari_wsss.pixels.decoding.tiff_bands import Bands

UPRIGHT = 1
KINDS = "JPEG, PNG, TIFF, BMP, GIF or WebP"
WHITE = 255


@dataclass(frozen=True)
class LoadedImage:
    """Pixels (H, W, 3) uint8 RGB in [0, 255], upright, and what was done to get them.

    Parameters
    ----------
    pixels : (H, W, 3) uint8
    scaling : str
        Empty for 8-bit pictures, else as ``16-bit 12..4095 -> 0..255 (0.1..99.9 %)``.
    alpha : str
        Empty for opaque pictures, else what became of the transparency.
    orientation : int
        EXIF orientation (1 to 8) that has been applied; 1 is upright as stored.
    notes : tuple of str
        Anything else, as ``first of 12 pages``.
    told : str
        What the file says of itself: names of channels, the size of a pixel, where in a stack it lies.
    grey : bool
        Whether the three channels are the same one.
    """

    pixels: NDArray[np.uint8]
    scaling: str = ""
    alpha: str = ""
    orientation: int = UPRIGHT
    notes: tuple[str, ...] = ()
    told: str = ""
    grey: bool = False

    @property
    def altered(self) -> str:
        """What of the file's values and parts is shown otherwise, or not at all; turning it upright is not told."""
        return "; ".join(filter(None, (self.scaling, self.alpha, *self.notes)))

    @property
    def note(self) -> str:
        """Everything that was changed, in one line; empty for a plain 8-bit RGB photograph."""
        turned = f"EXIF orientation {self.orientation} applied" if self.orientation != UPRIGHT else ""
        return "; ".join(filter(None, (self.scaling, self.alpha, turned, *self.notes)))


def from_samples(samples: NDArray[Any], declared: Bands | None, percentiles: deep_images.Percentiles) -> LoadedImage:
    """Return the loaded image, as stored, of deep (or unusual) samples (H, W) or (H, W, S)."""
    colour, opacity, left_out = deep_images.split_alpha(samples, declared)
    scaled, scaling = (colour, "") if colour.dtype == np.uint8 else deep_images.scale_to_uint8(colour, percentiles)
    rgb = np.repeat(scaled[..., None], 3, axis=2) if scaled.ndim == 2 else scaled
    pixels, alpha = (rgb, "") if opacity is None else over_white(rgb, opacity)
    return LoadedImage(pixels, scaling, alpha, notes=(left_out,) if left_out else (), grey=scaled.ndim == 2)


def over_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], str]:
    """Return `rgb` laid over white by `alpha` (H, W), and a note; opaque pictures pass unchanged."""
    if (alpha == WHITE).all():
        return np.array(rgb), ""
    share = alpha[..., None].astype(np.float32) / WHITE
    blended = rgb.astype(np.float32) * share + WHITE * (1 - share)
    return np.rint(blended).astype(np.uint8), "transparency laid over white"


def turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return `pixels` upright for an EXIF orientation (EXIF 2.3, tag 0x0112)."""
    if orientation in SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def unreadable(path: Path, reason: BaseException) -> ProjectError:
    """Return the error of a picture that cannot be read, with the reason and what to do."""
    why = f"a link to {os.readlink(path)}, where nothing is" if path.is_symlink() and not path.exists() else reason
    return ProjectError(
        f"The image {path} cannot be read ({why}); expected a whole {KINDS} file. "
        "Replace the file or leave it out of the folder."
    )
