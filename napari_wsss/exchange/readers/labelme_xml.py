"""LabelMe's XML of old: a file per image with polygons and pictures of masks, as Datumaro still writes it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar
from xml.etree.ElementTree import Element

import numpy as np
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import check_regular
from napari_wsss.core.inside import below
from napari_wsss.core.masks import DAMAGED_PICTURE
from napari_wsss.exchange.annotations.annotated import Annotated, Reading, Shape, beside
from napari_wsss.exchange.annotations.plain_xml import read_xml
from napari_wsss.exchange.annotations.shapes import Drawing, Pixels, Polygons, Size, WrongSize, ring_of, told
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.exchange.text_files import SPLIT_WORDS, split_name

ANNOTATIONS, MASKS = "Annotations", "Masks"
_LOOKED_AT = 20


class LabelMeXml(Reader):
    """``Annotations/<subset>/x.xml`` with masks in ``Masks``; a file without objects says none of the classes."""

    title = "LabelMe XML"
    judge: ClassVar[str] = "Datumaro"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether an object of an XML file, or of the first of a folder that has any, is a polygon or a mask."""
        return is_labelme_xml(source)

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield image by image, in the order of the files."""
        for path in _files(source):
            place = path.name if path == source else path.relative_to(source).as_posix()
            try:
                root = read_xml(path)
            except (OSError, ValueError) as reason:
                reading.unreadable.append(f"{place}: {reason}")
                continue
            if root.tag == "annotation":
                yield _image(root, path, place, reading)
            else:
                reading.unreadable.append(f"{place}: has the root <{root.tag}>; expected <annotation>")


@dataclass(frozen=True)
class MaskFile:
    """A picture of one object: any colour is inside, black is not."""

    path: Path

    def inside(self, size: Size) -> Pixels:
        """Return (H, W) bool, True inside; raise `ValueError` where it cannot be read, or is of another size."""
        try:
            check_regular(self.path)
            with Image.open(self.path) as picture:
                if picture.size != size[::-1]:
                    raise WrongSize(f"a mask drawn on {told(picture.size[::-1])} pixels; the image has {told(size)}")
                return np.asarray(np.asarray(picture.convert("RGB")).max(axis=2) > 0)
        except WrongSize:
            raise
        except DAMAGED_PICTURE as reason:
            raise ValueError(f"the mask {self.path.name}, which cannot be read ({reason})") from reason


def is_labelme_xml(source: Path) -> bool:
    """Tell whether an object of an XML file, or of the first of a folder that has any, is a polygon or a mask.

    VOC's files have the same root, and boxes in their objects.
    """
    for path in islice(_files(source), _LOOKED_AT):
        try:
            root = read_xml(path)
        except (OSError, ValueError):
            continue
        objects = root.findall("object") if root.tag == "annotation" else []
        if objects:
            return all(_is_drawn(one) for one in objects)
    return False


def _files(source: Path) -> Iterator[Path]:
    if not source.is_dir():
        if source.suffix.lower() == ".xml" and source.is_file():
            yield source
        return
    inside = source / ANNOTATIONS
    yield from (path for path in sorted((inside if inside.is_dir() else source).rglob("*.xml")) if path.is_file())


def _is_drawn(one: Element) -> bool:
    return one.find("bndbox") is None and (one.find("polygon") is not None or one.find("segm") is not None)


def _said(node: Element, name: str) -> str:
    return (node.findtext(name) or "").strip()


def _image(root: Element, path: Path, place: str, reading: Reading) -> Annotated:
    file, subset = _said(root, "filename").replace("\\", "/"), _said(root, "folder").replace("\\", "/")
    shapes = []
    for one in root.findall("object"):
        label = _said(one, "name")
        if not label or _said(one, "deleted") == "1":
            continue
        try:
            shapes.append(Shape(label, _drawing(one, _masks_of(path), subset)))
        except (ValueError, ProjectError) as reason:
            reading.unreadable.append(f"{place} {label!r}: {str(reason).removesuffix('.')}")
    names = tuple(
        name for name in (f"{subset}/{file}" if subset and file else "", *beside(place, file), path.stem) if name
    )
    split = split_name(subset) if subset.casefold() in SPLIT_WORDS else ""
    return Annotated(names, place, None if shapes else frozenset(), tuple(shapes), split=split)


def _masks_of(path: Path) -> Path:
    """Return the folder of the masks of an annotation: beside the ``Annotations`` that it lies in."""
    above = (folder.parent for folder in path.parents if folder.name == ANNOTATIONS)
    return next(above, path.parent) / MASKS


def _drawing(one: Element, masks: Path, subset: str) -> Drawing | None:
    ring, segment = one.find("polygon"), one.find("segm")
    if segment is not None:
        stored = _said(segment, "mask").replace("\\", "/")
        return MaskFile(below(masks, f"{subset}/{stored}" if subset else stored))
    if ring is None or _said(one, "type") == "bounding_box":
        return None
    return Polygons([ring_of([[_said(point, "x"), _said(point, "y")] for point in ring.findall("pt")])])
