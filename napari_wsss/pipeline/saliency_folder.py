"""Saliency maps made by any other tool: a folder of grey pictures named like the images."""

from pathlib import Path

import numpy as np
from PIL import Image

from napari_wsss.core.errors import StepError
from napari_wsss.core.files import check_regular
from napari_wsss.core.inside import below
from napari_wsss.core.maps import SaliencyMap
from napari_wsss.core.masks import DAMAGED_PICTURE


def saliency_file(folder: Path, image_id: str) -> Path:
    """Return the saliency picture of an image: ``sub/a.png`` or ``a.png`` for the image ``sub/a.jpg``.

    Raises
    ------
    StepError
        When there is none.
    """
    whole = below(folder, image_id)
    for path in (whole.with_suffix(".png"), folder / f"{whole.stem}.png", below(folder, f"{image_id}.png")):
        if path.is_file():
            return path
    raise StepError(
        f"There is no saliency map of {image_id} in {folder}; expected a grey PNG of the image's name. Add it, choose "
        "another folder, or remove the step that needs saliency.",
        missing=("saliency",),
    )


def read_saliency(path: Path, height: int, width: int) -> SaliencyMap:
    """Return a saliency picture as (H, W) float32 in [0, 1], bilinearly brought to the image's size.

    Parameters
    ----------
    path : Path
        8-bit grey or palette-free colour picture (colours are averaged to grey), or 16-bit grey.
    height, width : int
        Of the image, in pixels.

    Raises
    ------
    StepError
        When the file is no picture.
    """
    try:
        check_regular(path)
        with Image.open(path) as picture:
            deep = picture.mode.startswith(("I", "F"))
            grey = picture.convert("F") if deep else picture.convert("L").convert("F")
    except DAMAGED_PICTURE as reason:
        raise StepError(f"{path} cannot be read as a picture ({reason}); expected a grey PNG.") from reason
    if grey.size != (width, height):
        grey = grey.resize((width, height), Image.Resampling.BILINEAR)
    values = np.asarray(grey, np.float32) / (65535 if deep else 255)
    return SaliencyMap(values.clip(0, 1))
