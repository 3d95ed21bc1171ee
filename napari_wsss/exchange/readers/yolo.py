"""YOLO folders: a text file per image with boxes or polygons in shares of the picture, and a list of names."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.annotations.annotated import Annotated, Reading, Shape
from napari_wsss.exchange.annotations.shapes import Polygons, ring_of
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.exchange.text_files import SPLIT_WORDS, read_text, split_name

_LISTS = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names", "_darknet.labels")
_LEAST_DECIMALS = 4
"""Fewer were not cut off, but typed."""
_MARKS = "'\" \t"
_ENTRY = re.compile(r"^\s+(?:-|(\d+)\s*:)\s*(.+)$")


class Yolo(Reader):
    """``labels/**/<image>.txt`` with ``data.yaml`` or ``classes.txt``; an empty file says none of the classes."""

    title = "YOLO folder"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a folder has a list of names and a first label file of numbers."""
        if not source.is_dir() or _list_of(source) is None:
            return False
        files = _files(source)
        first = next((path for path in files if path.stat().st_size), None)
        if first is None:  # none of the classes in any image
            return any("labels" in path.relative_to(source.parent).parts for path in files)
        try:
            with first.open("rb") as file:
                return re.match(rb"\s*\d+(\s+-?[\d.]+(e-?\d+)?){4,}", file.read(500)) is not None
        except OSError:
            return False

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield image by image, in the order of the files."""
        place = _list_of(source)
        if place is None:
            raise LabelError(f"{source} has no list of names ({', '.join(_LISTS)}); put one beside the labels.")
        names = names_in(read_text(place)[0], is_yaml=place.suffix in (".yaml", ".yml"))
        reading.declare([names[number] for number in sorted(names)])
        for path in _files(source):
            yield _image(path, source, names, reading)


def names_in(text: str, *, is_yaml: bool) -> dict[int, str]:
    """Return the names of a plain list, or under ``names:`` of a YAML file, by number.

    In YAML ``names: [a, b]``, ``names: {0: a, 1: b}`` and entries one a line (``- a`` or ``0: a``) are understood.
    """
    if not is_yaml:
        return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
    start = re.search(r"^names\s*:(.*)$", text, re.MULTILINE)
    if start is None:
        return {}
    rest = text[start.start(1) :]
    inline = re.match(r"\s*[\[{](.*?)[\]}]", rest, re.DOTALL)
    if inline:
        parts = [part for part in re.split(r",(?=(?:[^'\"]*['\"][^'\"]*['\"])*[^'\"]*$)", inline[1]) if part.strip()]
        entries = [re.match(r"\s*(?:(\d+)\s*:)?\s*(.+)", part.strip(), re.DOTALL) for part in parts]
    else:
        lines = [re.sub(r"\s#.*$", "", line) for line in rest.splitlines()[1:]]
        ours = [line if line.startswith((" ", "-")) else None for line in lines if line.strip()]
        ours = ours[: ours.index(None)] if None in ours else ours
        entries = [_ENTRY.match(f" {line}") for line in ours if line]
    return {int(one[1] or at) if one[1] else at: one[2].strip(_MARKS) for at, one in enumerate(entries) if one}


def _list_of(source: Path) -> Path | None:
    places = (source, source.parent) if source.name == "labels" else (source,)
    return next((folder / name for folder in places for name in _LISTS if (folder / name).is_file()), None)


def _files(source: Path) -> list[Path]:
    named = (*_LISTS, "train.txt", "val.txt", "test.txt")
    inside = source / "labels" if (source / "labels").is_dir() else source
    found = sorted(path for path in inside.rglob("*.txt") if path.is_file() and path.name not in named)
    in_folders = [path for path in found if "labels" in path.parts]
    return in_folders or found


def _image(path: Path, source: Path, names: dict[int, str], reading: Reading) -> Annotated:
    place = path.relative_to(source)
    shapes = []
    try:
        lines = read_text(path)[0].splitlines()
    except LabelError as reason:
        reading.unreadable.append(str(reason).removesuffix("."))
        lines = ["?"]
    for number, line in enumerate(lines, 1):
        try:
            shapes += [_shape(line.split(), names)] if line.strip() and line != "?" else []
        except ValueError as reason:
            reading.unreadable.append(f"{place.as_posix()} line {number}: {reason}")
    parts = [part for part in place.parts if part != "labels"]
    split = next((split_name(part) for part in parts if part.casefold() in SPLIT_WORDS), "")
    way = "/".join([*parts[:-1], path.stem])
    return Annotated((way, path.stem), place.as_posix(), None if lines else frozenset(), tuple(shapes), split=split)


def _shape(words: list[str], names: dict[int, str]) -> Shape:
    values = [float(word) for word in words]
    if not np.isfinite(values).all() or not values[0].is_integer():
        raise ValueError("expected a class number and shares of the picture")
    label = names.get(int(values[0]), "")
    if not label:
        raise ValueError(f"the class {int(values[0])} has no name")
    if len(values) == 5:
        return Shape(label)  # a box
    if len(values) < 7 or len(values) % 2 == 0:
        raise ValueError(f"{len(values) - 1} numbers; expected 4 of a box, or pairs of a polygon")
    ring = ring_of(values[1:])
    return Shape(label, Polygons([ring], relative=True, line="in", rounding=_rounding(words[1:])))


def _rounding(words: list[str]) -> float:
    """Return how far below its value a share may be written: half of its last decimal.

    Shares of whole pixels are usual (Ultralytics' converter writes them with six decimals), and half of them are
    rounded to just below their pixel.
    """
    decimals = max(len(word.partition(".")[2]) for word in words)
    return 0.5 * 10.0**-decimals if decimals >= _LEAST_DECIMALS else 0.0
