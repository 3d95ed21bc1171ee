"""ISAT JSON: one file per image, with polygons on layers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_wsss.core.classes import BACKGROUND_NAMES
from napari_wsss.core.errors import LabelError
from napari_wsss.core.files import mapping, number, text
from napari_wsss.exchange.annotations.annotated import Annotated, Reading, Shape, beside
from napari_wsss.exchange.annotations.plain_json import has_lists, json_files, json_or_none, objects, read_json
from napari_wsss.exchange.annotations.shapes import Polygons, ring_of
from napari_wsss.exchange.readers.base import Reader

_BACKGROUND = BACKGROUND_NAMES | {"__background__"}


class Isat(Reader):
    """A file or a folder of files as ISAT with Segment Anything writes them.

    Its points are the outermost pixels of a mask as OpenCV finds them; a hole, the pixels around it.
    """

    title = "ISAT JSON"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a JSON file, or the first of a folder, says ISAT and has objects."""
        first = next(json_files(source), None)
        return first is not None and _is_isat(json_or_none(first))

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield image by image; one without objects says none of the classes."""
        for path in json_files(source):
            place = path.name if source == path else path.relative_to(source).as_posix()
            try:
                record = read_json(path)
            except LabelError as reason:
                reading.unreadable.append(str(reason).removesuffix("."))
                continue
            if _is_isat(record):
                yield _image(record, path, place, reading)
            else:
                reading.unreadable.append(f"{place}: not written by ISAT")


def _is_isat(record: Any) -> bool:
    return has_lists(record, "objects") and text(mapping(record, "info"), "description").upper() == "ISAT"


def _image(record: Mapping[str, Any], path: Path, place: str, reading: Reading) -> Annotated:
    layers: list[tuple[float, Shape]] = []
    for one in objects(record, "objects"):
        label = text(one, "category").strip()
        is_hole = label.casefold() in _BACKGROUND
        try:
            if label:
                drawing = Polygons([ring_of(one.get("segmentation"))], line="out" if is_hole else "in")
                layers.append((number(one, "layer"), Shape("background" if is_hole else label, drawing)))
        except ValueError as reason:
            reading.unreadable.append(f"{place} {label!r}: {reason}")
    layers.sort(key=lambda one: one[0])
    names = tuple(name for name in (*beside(place, text(mapping(record, "info"), "name")), path.stem) if name)
    return Annotated(names, place, None if layers else frozenset(), tuple(shape for _, shape in layers))
