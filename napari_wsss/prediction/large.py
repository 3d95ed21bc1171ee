"""Pictures larger than the memory: a segmenter goes over them by the window, and the mask is written by the tile.

Each window is looked at with a halo around it, as neighbouring tiles of smaller pictures overlap: a pixel's class
depends on nothing beyond that. Windows begin where the grid of every trunk does. Nothing is normalised by the window:
probabilities need no common maximum.
"""

from collections.abc import Sequence
from pathlib import Path

from napari_wsss.core.errors import StepError
from napari_wsss.core.files import publish
from napari_wsss.pixels import by_window
from napari_wsss.pixels.by_window import open_large, windows
from napari_wsss.pixels.large_tiff import write_mask_tiles
from napari_wsss.prediction.predictor import Predictor


def predict_large(predictor: Predictor, path: Path, present: Sequence[int] | None, target: Path) -> None:
    """Write the most probable class of every pixel as a tiled TIFF, with what says where a GeoTIFF lies.

    Parameters
    ----------
    predictor : Predictor
    path : Path
        A TIFF.
    present : sequence of int or None
        As `Predictor.predict` takes it.
    target : Path
        A ``.tif``, published when it is whole.

    Raises
    ------
    StepError
        For a localizer.
    ProjectError
        When the picture cannot be read by the window.
    """
    if predictor.kind != "segment":
        raise StepError(
            f"{path} is too large for activation maps of all its pixels. Take a segmentation network, or make a "
            "project of the pictures: its localize and refine go over them by the window."
        )
    with open_large(path) as picture, publish(target, lasting=False) as file:
        masks = (predictor.predict(pixels, present).to_mask()[kept] for pixels, _, kept in windows(picture))
        classes = predictor.classes
        meaning = {"classes": {value: classes.name_of(value) for value in classes.values()}}
        write_mask_tiles(file, picture.size, masks, by_window.SIDE, classes.palette, picture.tags, meaning)
