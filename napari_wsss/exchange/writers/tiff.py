"""TIFF masks with a palette: values are classes, and programs that know palettes show their colours."""

import io
import json
import tempfile
from typing import ClassVar

from napari_wsss.exchange.lists.class_lists import CLASS_LIST
from napari_wsss.exchange.writers.base import Item, Writer
from napari_wsss.exchange.writers.voc import class_list
from napari_wsss.pixels.by_window import SIDE
from napari_wsss.pixels.large_tiff import LargeMask, geo_tags_of, write_mask_tiles

TIFF_FOLDER = "tiff"


class Tiff(Writer):
    """``tiff/x.tif``: 8 bits, packed without loss; the description says what the values mean.

    That of a GeoTIFF says where it lies on the earth, as the image does; one that is larger than the memory is tiled.
    """

    title = "TIFF"
    judge: ClassVar[str] = "tifffile, Pillow"
    beside: ClassVar[bool] = True

    def add(self, item: Item) -> None:
        """Write one mask."""
        import tifffile

        names = {value: self.name_of(value) for value in self.classes.values()}
        path = f"{TIFF_FOLDER}/{item.name}.tif"
        if isinstance(item.content, LargeMask):
            mask = item.content
            with tempfile.NamedTemporaryFile() as large:
                tiles = mask.tiles(SIDE)
                write_mask_tiles(large, mask.size, tiles, SIDE, self.classes.palette, mask.tags, {"classes": names})
                self.put(path, large)
            return
        file = io.BytesIO()
        tifffile.imwrite(
            file,
            item.values,
            photometric="palette",
            colormap=self.classes.palette.T.astype("uint16") * 257,
            compression="zlib",
            description=json.dumps({"classes": names}),
            metadata=None,
            # The coordinate reference system and the place of a GeoTIFF: the mask's pixels are the image's.
            extratags=[] if item.image is None else geo_tags_of(item.image),
        )
        self.put(path, file.getvalue())

    def finish(self) -> None:
        """Write what the values mean."""
        self.put(CLASS_LIST, class_list(self))
