"""LabelMe and X-AnyLabeling JSON: one file per image, with flags, polygons, circles and masks."""

import base64
import binascii
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from napari_wsss.core.errors import LabelError
from napari_wsss.core.files import mapping, text
from napari_wsss.core.masks import DAMAGED_PICTURE
from napari_wsss.exchange.annotations.annotated import Annotated, Reading, Shape, beside
from napari_wsss.exchange.annotations.plain_json import has_lists, json_files, json_or_none, objects, read_json
from napari_wsss.exchange.annotations.shapes import Bitmap, Drawing, Ellipse, Polygons, ring_of
from napari_wsss.exchange.readers.base import Reader


class LabelMe(Reader):
    """A file or a folder of files; one without shapes and flags says none of the classes."""

    title = "LabelMe, X-AnyLabeling"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a JSON file, or the first of a folder, has shapes and the path of an image."""
        first = next(json_files(source), None)
        record = json_or_none(first) if first else None
        return isinstance(record, dict) and has_lists(record, "shapes") and "imagePath" in record

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield image by image, in the order of the files."""
        for path in json_files(source):
            place = path.name if source == path else path.relative_to(source).as_posix()
            try:
                record = read_json(path)
            except LabelError as reason:
                reading.unreadable.append(str(reason).removesuffix("."))
                continue
            if not has_lists(record, "shapes"):
                reading.unreadable.append(f"{place}: no list 'shapes'")
                continue
            yield _image(record, path, place, reading)


def _image(record: Mapping[str, Any], path: Path, place: str, reading: Reading) -> Annotated:
    flags = frozenset(name for name, value in mapping(record, "flags").items() if value is True)
    shapes = []
    for one in objects(record, "shapes"):
        label = text(one, "label").strip()
        try:
            if label:
                shapes.append(Shape(label, _drawing(one)))
        except ValueError as reason:
            reading.unreadable.append(f"{place} {label!r}: {reason}")
    name = text(record, "imagePath").replace("\\", "/")
    said = flags if flags or not shapes else None
    return Annotated((*beside(place, name), path.stem), place, said, tuple(shapes))


def _drawing(one: Mapping[str, Any]) -> Drawing | None:
    kind = text(one, "shape_type") or "polygon"
    if kind == "mask":
        return _mask(one)
    if kind == "circle":
        (x, y), (rim_x, rim_y) = ring_of(one.get("points"))[:2]
        radius = float(np.hypot(rim_x - x, rim_y - y))
        return Ellipse((float(x), float(y)), (radius, radius), with_line=True)
    return Polygons([ring_of(one.get("points"))], line="in") if kind == "polygon" else None


def _mask(one: Mapping[str, Any]) -> Drawing:
    """Return a mask: a PNG in base64 whose first corner is the first point."""
    corners = ring_of(one.get("points"))
    if not len(corners) or not np.isfinite(corners).all() or np.abs(corners).max() > 1e6:
        raise ValueError("a mask without a corner")
    try:
        content = base64.b64decode(text(one, "mask"), validate=True)
        with Image.open(io.BytesIO(content)) as picture:
            pixels = np.asarray(picture.convert("L")) > 0
    except (binascii.Error, *DAMAGED_PICTURE) as reason:
        raise ValueError(f"a mask that is no picture ({reason})") from reason
    left, top = (round(float(side)) for side in corners[0])
    return Bitmap(pixels, (top, left))
