"""Small pictures of images with their mask drawn in, and the disposable files that keep them.

A person's mask is tinted and outlined, a machine's is outlined only, as in the viewer.
"""

import io
import os
import secrets
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.files import check_regular
from napari_wsss.core.masks import DAMAGED_PICTURE, Mask
from napari_wsss.pixels.decoding.channels import Channels
from napari_wsss.pixels.decoding.deep_images import USUAL, Percentiles
from napari_wsss.pixels.images import read_image

LONG_SIDE = 160
"""Pixels: twice the largest size a picture is shown at, for screens of double density."""
OUTLINE = 2
TINT = 0.4
QUALITY = 88

Picture = NDArray[np.uint8]


def small_picture(
    path: Path, long_side: int = LONG_SIDE, percentiles: Percentiles = USUAL, channels: Channels = ()
) -> Picture:
    """Return an image file as (h, w, 3) uint8 RGB, upright, its longer side `long_side` pixels at most.

    JPEG files are decoded at a fraction of their size, which takes a tenth of the time. `percentiles` and
    `channels` are those of the project.

    Raises
    ------
    ProjectError
        When the file is missing or not a picture.
    """
    try:
        if channels:
            return _shrunk(Image.fromarray(read_image(path, percentiles, channels).pixels), long_side)
        check_regular(path)
        with Image.open(path) as image:
            if image.format == "JPEG" and image.mode == "RGB":
                image.draft("RGB", (2 * long_side, 2 * long_side))
                return _shrunk(ImageOps.exif_transpose(image), long_side)
    except DAMAGED_PICTURE:
        pass  # the whole reader knows more kinds of files, and says what is wrong
    return _shrunk(Image.fromarray(read_image(path, percentiles, channels).pixels), long_side)


def _shrunk(image: Image.Image, long_side: int) -> Picture:
    image.thumbnail((long_side, long_side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.array(image.convert("RGB"))


def with_mask(picture: Picture, mask: Mask, palette: NDArray[np.uint8], tinted: bool) -> Picture:
    """Return a picture with the classes of a mask drawn in.

    Parameters
    ----------
    picture : (h, w, 3) uint8
    mask : (H, W) uint8
        Of the whole image.
    palette : (256, 3) uint8
        Colours of the mask values.
    tinted : bool
        Whether to tint the regions (a person's mask), besides outlining them.
    """
    height, width = picture.shape[:2]
    small = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))
    drawn = picture.astype(np.float32)
    colours = palette[small].astype(np.float32)
    inside = small != BACKGROUND
    if tinted:
        drawn[inside] += TINT * (colours - drawn)[inside]
    border = inside & _differs_nearby(small)
    drawn[border] = colours[border]
    return np.rint(drawn).astype(np.uint8)


def _differs_nearby(values: Mask) -> NDArray[np.bool_]:
    """Return (h, w) True where another value, or the picture's border, lies within `OUTLINE` pixels along the axes."""
    found = np.ones(values.shape, bool)
    found[OUTLINE:-OUTLINE, OUTLINE:-OUTLINE] = False
    for step in range(1, OUTLINE + 1):
        for here, there in ((np.s_[step:], np.s_[:-step]), (np.s_[:, step:], np.s_[:, :-step])):
            differs = values[here] != values[there]
            found[here] |= differs
            found[there] |= differs
    return found


def keep_picture(path: Path, picture: Picture, key: str) -> None:
    """Write a picture (h, w, 3) uint8 with the key of what it shows; a reader sees it whole or not at all.

    Nothing is forced to disk: it can always be drawn again.
    """
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "JPEG", quality=QUALITY, subsampling=0, comment=key)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        temporary.write_bytes(content.getvalue())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def kept_picture(path: Path, key: str) -> Picture | None:
    """Return the kept picture (h, w, 3) uint8, None when there is none or it shows something else."""
    try:
        check_regular(path)
        with Image.open(path) as image:
            if image.info.get("comment") != key.encode():
                return None
            return np.array(image.convert("RGB"))
    except DAMAGED_PICTURE:
        return None
