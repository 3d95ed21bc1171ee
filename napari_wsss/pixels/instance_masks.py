"""Regions made elsewhere: a picture of whole numbers, one for each thing, as instance segmenters write them."""

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import check_regular
from napari_wsss.core.masks import DAMAGED_PICTURE

Regions = NDArray[np.int32]
SUFFIXES = (".png", ".tif", ".tiff")


def instance_file(folder: Path, image_id: str) -> Path | None:
    """Return the file of an image in a folder: by its path, else by its name; None where there is none."""
    whole = Path(image_id)
    named = [(folder / place).with_suffix(suffix) for place in (whole, Path(whole.name)) for suffix in SUFFIXES]
    return next((path for path in named if path.is_file()), None)


def read_instances(path: Path, size: tuple[int, int]) -> Regions:
    """Return the regions (H, W) int32 in a file: 0 belongs to none, every other number is a region.

    Raises
    ------
    ProjectError
        When it cannot be read, is no picture of whole numbers, or has another size.
    """
    try:
        check_regular(path)
        found = tifffile.imread(path) if path.suffix != ".png" else np.asarray(Image.open(path))
    except (tifffile.TiffFileError, *DAMAGED_PICTURE) as reason:
        raise ProjectError(f"{path} cannot be read as a picture of regions ({reason}).") from reason
    if found.ndim != 2 or found.dtype.kind not in "uib":
        raise ProjectError(f"{path} holds {found.dtype} of shape {found.shape}; expected one whole number a pixel.")
    if found.shape != size:
        raise ProjectError(
            f"{path} is {found.shape[1]}x{found.shape[0]} pixels, its image {size[1]}x{size[0]}; name the masks of "
            "these very images."
        )
    return found.astype(np.int32)
