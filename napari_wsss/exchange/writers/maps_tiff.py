"""Activation maps as TIFF stacks of 32-bit floats, a page for each class."""

import io
import json
from typing import ClassVar

from napari_wsss.exchange.writers.base import Item, Kind, Writer

MAP_FOLDER = "maps"


class MapsTiff(Writer):
    """``maps/x.tif``: (K,H,W) float32 in [0, 1]; the description names the class of each page."""

    title = "Activation maps (TIFF)"
    judge: ClassVar[str] = "tifffile"
    kind: ClassVar[Kind] = "maps"

    def add(self, item: Item) -> None:
        """Write the maps of one image; one without classes has no page, so there is no file."""
        import tifffile

        maps = item.maps
        if not maps.classes:
            self.say("images without classes have no maps, so there is no TIFF of them")
            return
        file = io.BytesIO()
        described = json.dumps({"pages": list(self.classes.names_of(maps.classes))})
        tifffile.imwrite(
            file, maps.scores, photometric="minisblack", compression="zlib", description=described, metadata=None
        )
        self.put(f"{MAP_FOLDER}/{item.name}.tif", file.getvalue())
