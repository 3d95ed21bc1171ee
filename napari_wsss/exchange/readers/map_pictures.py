"""Activation maps as grey pictures, one per class and image: ``cat/x.png``, ``x/cat.png``, ``x_cat.png``."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.exchange.annotations.annotated import Annotated, RawMaps, Reading
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.exchange.readers.one_per_class import files_by_image, first_names_class
from napari_wsss.exchange.readers.pictures import values_of
from napari_wsss.pixels.decoding.deep_images import is_deep


class MapPictures(Reader):
    """Black is 0, white is 1, of 8 or 16 bits."""

    title = "Maps as one picture per class"
    gives: ClassVar[str] = "maps"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether the first pictures of a folder all name one of the known classes."""
        return first_names_class(source, known)

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield image by image."""
        for image, files in files_by_image(source, reading).items():
            yield Annotated((image,), f"{image} ({', '.join(files)})", maps=partial(_together, files))


def _together(files: dict[str, Path]) -> RawMaps:
    """Return the maps of pictures, in [0, 1] by their depth; raise `ProjectError` when they are of several sizes."""
    layers = []
    for path in files.values():
        values = values_of(path)
        with Image.open(path) as picture:
            layers.append(values / np.float32(65535 if is_deep(picture) else 255))
    if len({layer.shape for layer in layers}) != 1:
        names = ", ".join(path.name for path in files.values())
        raise ProjectError(f"The pictures {names} are of several sizes; expected one size for all classes of an image.")
    return RawMaps(np.stack(layers), tuple(files))
