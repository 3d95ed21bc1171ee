"""Pictures larger than the memory: a segmenter goes over them by the window, and the mask is written piece by piece.

Each window is looked at with a halo around it, as neighbouring tiles of smaller pictures overlap: a pixel's class
depends on nothing beyond that. Windows begin where the grid of every trunk does. Nothing is normalised by the window:
probabilities need no common maximum.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from napari_wsss.core.classes import BACKGROUND, ClassList
from napari_wsss.core.errors import StepError
from napari_wsss.core.files import publish, publish_folder
from napari_wsss.core.masks import Mask
from napari_wsss.pixels import by_window
from napari_wsss.pixels.by_window import open_large, windows
from napari_wsss.pixels.large_tiff import write_mask_tiles
from napari_wsss.pixels.large_zarr import PIXELS, SUFFIX, put_array, put_chunk, put_group
from napari_wsss.prediction.predictor import Predictor


def predict_large(predictor: Predictor, path: Path, present: Sequence[int] | None, target: Path) -> None:
    """Write the most probable class of every pixel as a tiled TIFF, which keeps where a GeoTIFF lies, or as OME-Zarr.

    Parameters
    ----------
    predictor : Predictor
    path : Path
        A TIFF or an OME-Zarr folder.
    present : sequence of int or None
        As `Predictor.predict` takes it.
    target : Path
        A ``.tif``, or the folder ``.ome.zarr`` of a group with the label image; published when it is whole.

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
    classes = predictor.classes
    with open_large(path) as picture:
        masks = (predictor.predict(pixels, present).to_mask()[kept] for pixels, _, kept in windows(picture))
        if target.name.endswith(SUFFIX):
            _write_group(target, picture.size, masks, classes)
            return
        meaning = {"classes": {value: classes.name_of(value) for value in classes.values()}}
        with publish(target, lasting=False) as file:
            write_mask_tiles(file, picture.size, masks, by_window.SIDE, classes.palette, picture.tags, meaning)


def _write_group(target: Path, size: tuple[int, int], masks: Iterator[Mask], classes: ClassList) -> None:
    """Write the masks of windows, row by row, as the chunks of an OME-Zarr label image."""
    chunks = (by_window.SIDE, by_window.SIDE)
    columns = -(-size[1] // by_window.SIDE)
    colours = classes.palette.tolist()
    with publish_folder(target) as folder:

        def put(path: str, content: str | bytes) -> None:
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)

        named = [(value, classes.name_of(value), colours[value]) for value in classes.values() if value != BACKGROUND]
        put_group(put, target.name.removesuffix(SUFFIX), named)
        put_array(put, PIXELS, size, chunks)
        for at, mask in enumerate(masks):
            put_chunk(put, PIXELS, divmod(at, columns), mask, chunks)
