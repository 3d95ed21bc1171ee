"""CVAT's XML *for images*: tags, polygons, ellipses and masks; boxes, lines and points give labels alone."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.annotations.annotated import Annotated, Reading, Shape
from napari_wsss.exchange.annotations.plain_json import MOST_JSON, the_file, the_files
from napari_wsss.exchange.annotations.plain_xml import read_xml
from napari_wsss.exchange.annotations.run_lengths import written
from napari_wsss.exchange.annotations.shapes import Drawing, Ellipse, Polygons, Runs, ring_of
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.exchange.text_files import SPLIT_WORDS, split_name

_HEAD = 4096
_NO_PIXELS = frozenset({"box", "polyline", "points", "cuboid", "skeleton"})


class Cvat(Reader):
    """``annotations.xml`` as *CVAT for images 1.1* writes it; of a folder all: Datumaro writes one for each split."""

    title = "CVAT XML"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether an XML file, or the only one of a folder, begins with <annotations>."""
        return _is_cvat(the_file(source, ".xml", _is_cvat))

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield every image of the file, or of the files of a folder; one without annotations says nothing."""
        for path in list(the_files(source, ".xml", _is_cvat)) or [source]:
            root = _root(path)
            reading.declare([name.text.strip() for name in root.findall("./meta//label/name") if name.text])
            split = split_name(path.stem) if path.stem.casefold() in SPLIT_WORDS else ""
            for image in root.findall("image"):
                yield _image(image, split, path.name, reading)


def _root(path: Path) -> Element:
    try:
        root = read_xml(path, MOST_JSON)
    except (OSError, ValueError) as reason:
        raise LabelError(f"{path.name} {reason}.") from reason
    if root.tag != "annotations":
        raise LabelError(f"{path.name} has the root <{root.tag}>; expected <annotations> as CVAT writes it.")
    if root.find("track") is not None:
        raise LabelError(f"{path.name} is CVAT XML for videos; export the task as 'CVAT for images 1.1'.")
    return root


def _is_cvat(path: Path) -> bool:
    if path.suffix.lower() != ".xml" or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return b"<annotations" in file.read(_HEAD)
    except OSError:
        return False


def _image(image: Element, split: str, source: str, reading: Reading) -> Annotated:
    name = image.get("name", "")
    place = f"{source} {name!r}"
    tags = frozenset(label for tag in image.findall("tag") if (label := tag.get("label", "").strip()))
    shapes: list[tuple[int, Shape]] = []
    for node in image:
        label = node.get("label", "").strip()
        if not label or node.tag not in _DRAWN.keys() | _NO_PIXELS:
            continue
        try:
            drawing = _DRAWN[node.tag](node) if node.tag in _DRAWN else None
            shapes.append((int(node.get("z_order", "0")), Shape(label, drawing)))
        except ValueError as reason:
            reading.unreadable.append(f"{place} {node.tag}: {reason}")
    shapes.sort(key=lambda one: one[0])
    split = split_name(image.get("subset", "")).lower() or split
    return Annotated((name,), place, tags or None, tuple(shape for _, shape in shapes), split=split)


def _polygon(node: Element) -> Drawing:
    pairs = [pair.split(",") for pair in node.get("points", "").split(";")]
    return Polygons([ring_of([[float(part) for part in pair] for pair in pairs])])


def _ellipse(node: Element) -> Drawing:
    x, y, wide, high = (float(node.get(name, "nan")) for name in ("cx", "cy", "rx", "ry"))
    return Ellipse((x, y), (wide, high))


def _mask(node: Element) -> Drawing:
    top, left, height, width = (int(node.get(name, "-1")) for name in ("top", "left", "height", "width"))
    return Runs(written(node.get("rle", "")), (height, width), (top, left))


_DRAWN: dict[str, Callable[[Element], Drawing]] = {"polygon": _polygon, "ellipse": _ellipse, "mask": _mask}
