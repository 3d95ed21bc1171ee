"""Pseudo masks of pictures that are larger than the memory: the chain of refiners runs on each window and its halo.

A mask is a tiled TIFF below the results, with what says where a GeoTIFF lies. Beside it lies a small one of every so
many-th pixel: written last, it says of which content the large one is, and which classes are in doubt.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask
from napari_wsss.core.progress import finish
from napari_wsss.pipeline.chain import drawn_as_is, handed_on
from napari_wsss.pipeline.large.maps import opened
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.pixels import by_window
from napari_wsss.pixels.by_window import LargePicture, enlarged, reduced_size, reduction, windows
from napari_wsss.pixels.large_tiff import LargeMask, write_mask_tiles
from napari_wsss.pixels.surest_regions import LEAST, Guarded

SUFFIX = ".tif"
NEEDED = frozenset({"background"})
"""What refiners may need that run by the window; all else is known of whole pictures only."""


def stored_mask(item: Lineage) -> Guarded | None:
    """Return the small picture of an image's large mask, and the classes it is in doubt of; None where none is stored.

    The mask itself is `large_mask`'s.
    """
    if item.awaits_labels or not item.project.store.path(item.result, item.image_id, SUFFIX).is_file():
        return None
    return item.project.store.read_guarded(item.result, item.image_id, _content(item))


def large_mask(item: Lineage) -> LargeMask | None:
    """Return the stored mask of a large picture, to be read by the window; None where none is stored.

    Raises
    ------
    ProjectError
        When it is damaged.
    """
    if stored_mask(item) is None:
        return None
    return LargeMask(item.project.store.path(item.result, item.image_id, SUFFIX))


def write_large_mask(item: Lineage, base: ActivationMaps) -> None:
    """Refine a large picture's base maps and store its mask; a class that it leaves out is in doubt.

    Parameters
    ----------
    item : Lineage
    base : ActivationMaps
        Means of squares of pixels, as `large_maps` makes them.

    Raises
    ------
    StepError
        When a refiner needs more than maps and pixels.
    ProjectError
        When the picture cannot be read.
    """
    _check(item)
    classes, store = item.project.classes, item.project.store
    with opened(item) as picture:
        overview = _Overview(picture.size)
        masks = map(overview.seen, _masks(item, base, picture))
        meaning = {"classes": {value: classes.name_of(value) for value in classes.values()}}
        with store.large_file(item.result, item.image_id) as file:
            write_mask_tiles(file, picture.size, masks, by_window.SIDE, classes.palette, picture.tags, meaning)
    least = max(1, round(LEAST * picture.size[0] * picture.size[1]))
    doubtful = tuple(k for k in base.classes if overview.counts[k + 1] < least)
    store.write_mask(item.result, item.image_id, _content(item), overview.mask, doubtful)


def _content(item: Lineage) -> str:
    return f"{item.content} by the window"


def _check(item: Lineage) -> None:
    for link in item.links:
        lacking = sorted(link.refiner.needs - NEEDED)
        if lacking:
            raise StepError(
                f"{item.image_id} is larger than the memory, and {link.refiner.title} needs {', '.join(lacking)} of "
                "the whole picture. Leave that step out for such pictures, as with --refiners."
            )


def _masks(item: Lineage, base: ActivationMaps, picture: LargePicture) -> Iterator[Mask]:
    side = reduction(*picture.size)
    for pixels, (rows, columns), kept in windows(picture):
        enlarge = partial(enlarged, side=side, rows=rows, columns=columns)
        background = None if base.background is None else enlarge(base.background[None])[0]
        maps = given = ActivationMaps(enlarge(base.scores), base.classes, background)
        for link in item.links:
            maps = finish(link.refiner.steps(pixels, given))
            given = handed_on(link.refiner, maps)
        yield drawn_as_is(maps, item.plan.every_pixel)[kept]


class _Overview:
    """Every so many-th pixel of a mask that goes by in windows, and how many pixels each value has."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._side = reduction(*size)
        self._across = -(-size[1] // by_window.SIDE)
        self._count = 0
        self.mask = np.zeros(reduced_size(*size), np.uint8)
        self.counts = np.zeros(IGNORE + 1, np.int64)

    def seen(self, window: Mask) -> Mask:
        """Take in the next window, row by row, and return it."""
        row, column = (at * by_window.SIDE // self._side for at in divmod(self._count, self._across))
        part = window[:: self._side, :: self._side]
        self.mask[row : row + part.shape[0], column : column + part.shape[1]] = part
        self.counts += np.bincount(window.ravel(), minlength=IGNORE + 1)
        self._count += 1
        return window
