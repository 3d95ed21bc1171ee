"""Datumaro JSON: items with labels, polygons, masks, ellipses and boxes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import LabelError
from napari_wsss.core.files import mapping, number, text, whole
from napari_wsss.exchange.annotations.annotated import Annotated, Reading, Shape
from napari_wsss.exchange.annotations.plain_json import has_lists, json_files, json_or_none, objects, read_json
from napari_wsss.exchange.annotations.shapes import Drawing, Ellipse, Polygons, ring_of
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.exchange.readers.coco import drawing_of
from napari_wsss.exchange.text_files import SPLIT_WORDS, split_name


class Datumaro(Reader):
    """``annotations/<subset>.json``, or the folder that holds them."""

    title = "Datumaro JSON"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a JSON file, or the first in a folder's ``annotations``, has items and categories."""
        first = next(_files(source), None)
        record = json_or_none(first) if first else None
        return isinstance(record, dict) and has_lists(record, "items") and "categories" in record

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield every item; one without annotations says nothing."""
        for path in _files(source):
            record = read_json(path)
            if not has_lists(record, "items"):
                raise LabelError(f"{path.name} has no list 'items'; expected Datumaro JSON.")
            listed = objects(mapping(mapping(record, "categories"), "label"), "labels")
            names = [text(one, "name").strip() for one in listed]
            reading.declare(names)
            split = split_name(path.stem) if path.stem.casefold() in SPLIT_WORDS else ""
            for item in objects(record, "items"):
                yield _item(item, names, split, path.name, reading)


def _files(source: Path) -> Iterator[Path]:
    inside = source / "annotations"
    return json_files(inside if inside.is_dir() else source)


def _item(item: Mapping[str, Any], names: list[str], split: str, source: str, reading: Reading) -> Annotated:
    id_, file = text(item, "id"), text(mapping(item, "image"), "path") or text(mapping(item, "media"), "path")
    place = f"{source} {id_ or file!r}"
    tags: set[str] = set()
    shapes: list[tuple[float, Shape]] = []
    for one in objects(item, "annotations"):
        at = whole(one, "label_id", -1)
        kind = text(one, "type")
        if not 0 <= at < len(names) or not names[at]:
            if kind != "caption":
                reading.unreadable.append(f"{place}: label {one.get('label_id')!r} is not in the list")
            continue
        if kind == "label":
            tags.add(names[at])
            continue
        try:
            shapes.append((number(one, "z_order"), Shape(names[at], _drawing(kind, one))))
        except ValueError as reason:
            reading.unreadable.append(f"{place} {kind}: {reason}")
    shapes.sort(key=lambda one: one[0])
    ways = tuple(name for name in (file, id_) if name)
    return Annotated(ways or ("",), place, frozenset(tags) or None, tuple(shape for _, shape in shapes), split=split)


def _drawing(kind: str, one: Mapping[str, Any]) -> Drawing | None:
    if kind == "polygon":
        return Polygons([ring_of(one.get("points"))])
    if kind == "mask":
        return drawing_of(mapping(one, "rle"))
    if kind == "ellipse":  # left, top, right, bottom
        (left, top), (right, bottom) = ring_of(one.get("points"))[:2]
        return Ellipse(((left + right) / 2, (top + bottom) / 2), ((right - left) / 2, (bottom - top) / 2))
    return None
