"""Tables of class colours as data sets of coloured masks ship them: CamVid's ``label_colors.txt``, CSV files of others.

A text file is one by its name (``color``, ``colour`` or ``palette`` in it) and says ``red green blue name`` or ``name
red green blue`` in each line. A CSV is one by its header, whatever it is called (``class_dict.csv``, ``labels.csv``): a
column of names, and columns of red, green and blue or one of colours (``#804080``, ``(128, 64, 128)``).
"""

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.text_files import read_text
from napari_wsss.pixels.images import is_image_name

Colour = tuple[int, int, int]
_CALLED = re.compile(r"colou?r|palette", re.IGNORECASE)
_OF_CLASSES = re.compile(r"class", re.IGNORECASE)
_TEXT, _TABLES = (".txt",), (".csv", ".tsv")
_COLUMNS = re.compile(rb"red|rgb|colou?r|hex|\br\b.*\bg\b.*\bb\b", re.IGNORECASE)
_FIRST_LINE = 2_000
_LARGEST = 1_000_000
"""Bytes; a table of 256 classes is smaller, and tables of labels of very many images are not read for nothing."""
_NAMES = ("name", "class", "label", "category", "class_name", "label_name", "category_name", "classes", "labels")
_CHANNELS = (("r", "red"), ("g", "green"), ("b", "blue"))
_WHOLE = ("color", "colour", "rgb", "hex", "rgb_values", "color_rgb")
_VALUES = ("id", "value", "index", "class_id", "label_id", "category_id", "pixel_value")
_FORMS = (
    re.compile(r"(?P<red>\d+)[\s,;]+(?P<green>\d+)[\s,;]+(?P<blue>\d+)[\s,;]+(?P<name>.*\D.*)"),
    re.compile(r"(?P<name>.*?\D.*?)[\s,;:]+(?P<red>\d+)[\s,;]+(?P<green>\d+)[\s,;]+(?P<blue>\d+)"),
)
_HEX = re.compile(r"#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", re.IGNORECASE)


class ClassColour(NamedTuple):
    """One line: a name as it is written, its colour in [0, 255], and its mask value where the table numbers them."""

    name: str
    colour: Colour
    value: int | None = None


def is_colour_table(path: Path) -> bool:
    """Tell whether a file is such a table, whatever is wrong with its lines; never raises."""
    try:
        return _rows(path) is not None
    except LabelError:
        return False


def colour_table_in(folder: Path) -> Path | None:
    """Return the first colour table in a folder, by name; None where there is none."""
    found = (path for path in sorted(folder.glob("*")) if path.suffix.lower() in _TEXT + _TABLES)
    return next((path for path in found if is_colour_table(path)), None)


def read_colour_table(path: Path) -> list[ClassColour]:
    """Return the lines of a colour table in their order.

    Raises
    ------
    LabelError
        When it is none, or a line has no colour in [0, 255] or no name.
    """
    rows = _rows(path)
    if rows is None:
        raise LabelError(
            f"{path} is no table of colours; expected lines of red green blue name, or columns name,r,g,b."
        )
    found = []
    for number, line, entry in rows:
        if entry is None or not entry.name or max(entry.colour) > 255:
            raise LabelError(
                f"{path}: line {number}, {line!r}, gives no class its colour; expected a name, and red, green and blue "
                "from 0 to 255."
            )
        found.append(entry)
    return found


_Row = tuple[int, str, ClassColour | None]


def _rows(path: Path) -> list[_Row] | None:
    """Return number, text and meaning of each line; None where the file is no colour table."""
    suffix = path.suffix.lower()
    named = bool(_CALLED.search(path.stem))
    if path.name.startswith(".") or not (suffix in _TABLES or (suffix in _TEXT and named)):
        return None
    if not path.is_file() or path.stat().st_size > _LARGEST:
        return None
    by_name = named or bool(_OF_CLASSES.search(path.stem))
    if not by_name and not _may_have_columns(path):
        return None
    text = read_text(path)[0]
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and (suffix in _TABLES or line[0] not in "#/")]
    if suffix in _TABLES and (rows := _by_header(lines)) is not None:
        return rows
    return _by_form(lines) if by_name else None


def _may_have_columns(path: Path) -> bool:
    """Tell by its first line whether a CSV may have columns of colours: a folder may hold very many other ones."""
    try:
        with path.open("rb") as file:
            first = file.readline(_FIRST_LINE)
    except OSError:
        return False
    return _COLUMNS.search(first.replace(b"\0", b"")) is not None


def _by_header(lines: Sequence[tuple[int, str]]) -> list[_Row] | None:
    if len(lines) < 2:
        return None
    delimiter = max(",;\t|", key=lines[0][1].count)
    words = [cell.strip().casefold().replace(" ", "_") for cell in _cells(lines[0][1], delimiter)]
    name = _column(words, _NAMES)
    channels = [_column(words, names) for names in _CHANNELS]
    whole = _column(words, _WHOLE)
    value = _column(words, _VALUES)
    if name is None or (None in channels and whole is None):
        return None
    rows: list[_Row] = []
    for number, line in lines[1:]:
        cells = [cell.strip() for cell in _cells(line, delimiter)] + [""] * len(words)
        given = [cells[at] for at in channels if at is not None]
        colour = _colour(given) if len(given) == len(_CHANNELS) else _colour_of(cells[whole or 0])
        numbered = cells[value] if value is not None else ""
        entry = ClassColour(cells[name], colour, int(numbered) if _is_whole(numbered) else None) if colour else None
        rows.append((number, line, entry))
    entries = [entry for _, _, entry in rows if entry]
    # A table of labels may have classes that are called r, g and b.
    return rows if entries and not any(is_image_name(entry.name) for entry in entries) else None


def _by_form(lines: Sequence[tuple[int, str]]) -> list[_Row] | None:
    """Return lines that all have the form of the first one; None where that has none."""
    for form in _FORMS:
        if lines and form.fullmatch(lines[0][1]):
            return [(number, line, _entry(form.fullmatch(line))) for number, line in lines]
    return None


def _entry(found: re.Match[str] | None) -> ClassColour | None:
    if found is None:
        return None
    colour = _colour([found["red"], found["green"], found["blue"]])
    return ClassColour(found["name"].strip(), colour) if colour else None


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        return []


def _column(words: Sequence[str], names: Sequence[str]) -> int | None:
    return next((words.index(name) for name in names if name in words), None)


def _is_whole(cell: str) -> bool:
    return cell.removeprefix("-").isdecimal() and len(cell) < 8


def _colour(cells: Sequence[str]) -> Colour | None:
    if len(cells) != len(_CHANNELS) or not all(cell.strip().isdecimal() and len(cell) < 8 for cell in cells):
        return None
    red, green, blue = map(int, cells)
    return red, green, blue


def _colour_of(cell: str) -> Colour | None:
    """Return the colour in one cell: ``#804080`` or three numbers."""
    if found := _HEX.fullmatch(cell.strip()):
        red, green, blue = (int(part, 16) for part in found.groups())
        return red, green, blue
    return _colour(re.findall(r"\d+", cell))
