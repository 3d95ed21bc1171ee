"""A CSV file as rows of cells, and which of its columns hold the image, the labels, the split and 0/1 flags."""

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.text_files import is_empty, read_text
from napari_wsss.pixels.images import is_image_name

DELIMITERS = (",", ";", "\t", "|")
TRUE_FLAGS = frozenset({"1", "1.0", "true", "yes", "y", "x"})
FALSE_FLAGS = frozenset({"0", "0.0", "false", "no", "n", ""})
UNKNOWN = "?"
DOUBT_FLAGS = frozenset({"-1", "-1.0", UNKNOWN})
"""*Uncertain*, as tables of findings and our own exports write it; -1 is *no* where the only other flag is 1."""
_DOUBT_WORDS = frozenset({"u", "uncertain", "unknown", "unsure"})
_FLAGS = TRUE_FLAGS | FALSE_FLAGS | DOUBT_FLAGS
_OTHER_NUMBERS = 0.1
"""A 0/1 column with a larger share of other numbers is a column of numbers."""
LONGEST_CELL = 100_000
"""Characters; longer cells are damage, and Python's reader stops at 131,072."""
_FILE_WORDS = {"file", "files", "filename", "file_name", "filepath", "file_path", "path", "name", "id"}
_IMAGE_WORDS = {"image", "images", "img", "image_path", "image_name", "imagename", "image_id", "imageid"}
_IMAGE_NAMES = frozenset(_FILE_WORDS | _IMAGE_WORDS)
_ONE_LABEL_NAMES = frozenset({"label", "class", "category", "tag", "class_name", "classname", "label_name"})
_LABEL_NAMES = _ONE_LABEL_NAMES | {"labels", "classes", "categories", "tags", "class_names", "label_names"}
_SPLIT_NAMES = frozenset({"split", "set", "subset", "partition", "fold"})
_SAMPLE = 200


@dataclass(frozen=True)
class Table:
    """Rows of cells with their line numbers; `header` is empty where the file has none.

    `damaged` names the lines that were left out.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, list[str]], ...]
    note: str = ""
    damaged: tuple[str, ...] = ()

    def cells(self, column: int) -> list[str]:
        """Return one column's cells, empty text where a row is too short."""
        return [row[column].strip() if column < len(row) else "" for _, row in self.rows]

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.header) or max((len(row) for _, row in self.rows), default=0)


@dataclass(frozen=True)
class Columns:
    """Which column holds what; -1 is *none*. `flags` are the 0/1 columns, `unused` the names of the others."""

    image: int
    labels: int
    split: int
    flags: tuple[int, ...]
    unused: tuple[str, ...]
    one_label: bool


def as_flag(cell: str) -> str:
    """Return a cell of a 0/1 column as the flags are written: lower case, ``1,0`` as ``1.0``, ``nan`` as nothing."""
    flag = cell.strip().casefold().replace(",", ".").replace("\N{MINUS SIGN}", "-")
    if flag in _DOUBT_WORDS:
        return UNKNOWN
    return "" if flag != UNKNOWN and is_empty(flag) else flag


def read_table(path: Path, index: ImageIndex, encoding: str = "", known: Collection[str] = ()) -> Table:
    """Return the rows of a CSV file, its delimiter and header found by content; `known` classes help with the encoding.

    Lines with a cell of more than `LONGEST_CELL` characters are left out and named.

    Raises
    ------
    LabelError
        When the file is empty or not text.
    """
    text, note = read_text(path, encoding, {*index.words, *known})
    lines, first_line = text.splitlines(keepends=True), 1
    delimiter = None
    if lines and lines[0].casefold().startswith("sep=") and len(lines[0].strip()) == 5:  # a spreadsheet's own mark
        delimiter, lines, first_line = lines[0].strip()[4], lines[1:], 2
    delimiter = delimiter or _delimiter([line for line in lines[:_SAMPLE] if len(line) <= LONGEST_CELL])
    damaged = [number for number, line in enumerate(lines) if _has_long_cell(line, delimiter)]
    for number in damaged:
        lines[number] = "\n"  # keeps the numbers of the lines after it
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        rows = [(reader.line_num + first_line - 1, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as reason:
        raise LabelError(
            f"The label file {path} is damaged at line {reader.line_num} ({reason}); is a quotation mark left open?"
        ) from reason
    told = tuple(f"line {number + first_line}: a cell of more than {LONGEST_CELL} characters" for number in damaged)
    if not rows:
        raise LabelError(f"The label file {path} is empty; expected one row per image.")
    header: list[str] = []
    if _is_header(rows, index):
        header = [cell.strip() for cell in rows.pop(0)[1]]
    return Table(tuple(header), tuple(rows), note, told)


def is_label_table(path: Path, index: ImageIndex) -> bool:
    """Return True when a CSV file names images of `index` and has a column of labels."""
    try:
        table = read_table(path, index)
        columns = find_columns(table, index, path)
    except LabelError:
        return False
    return any(index.find(cell).ids for cell in table.cells(columns.image)[:_SAMPLE])


def find_columns(table: Table, index: ImageIndex, path: Path, known: Sequence[str] = ()) -> Columns:
    """Return which column holds what, by header words and by content.

    Where some column is named like one of the `known` classes, only such columns are classes.

    Raises
    ------
    LabelError
        When no column holds labels; lists the columns found.
    """
    names = [name.casefold().replace(" ", "_") for name in table.header] or [""] * table.width
    image = _image_column(table, names, index)
    labels = _first(names, _LABEL_NAMES, taken=(image,))
    split = _first(names, _SPLIT_NAMES, taken=(image, labels))
    rest = [column for column in range(table.width) if column not in (image, labels, split)]
    listed = [column for column in rest if table.header and table.header[column] in known]
    flags = tuple(column for column in listed if _mostly_flags(table.cells(column)))
    if not flags:
        named = [column for column in rest if names[column] or not table.header]
        flags = tuple(column for column in named if _is_flag(table.cells(column)))
    if labels < 0 and not flags and len(rest) == 1:
        labels, rest = rest[0], []
    if labels < 0 and not flags and not table.header and rest:
        labels = rest[0]  # without a header, all cells after the image are its labels
    if labels < 0 and not flags:
        raise LabelError(
            f"{path} holds the columns {', '.join(table.header) or table.width}; expected a column 'labels', or one "
            "0/1 column per class, beside the image column."
        )
    unused = tuple(table.header[c] for c in rest if c not in flags and table.header and table.header[c])
    return Columns(image, labels, split, flags, unused, labels >= 0 and names[labels] in _ONE_LABEL_NAMES | {""})


def _has_long_cell(line: str, delimiter: str) -> bool:
    if len(line) <= LONGEST_CELL:
        return False
    try:
        return any(len(cell) > LONGEST_CELL for row in csv.reader([line], delimiter=delimiter) for cell in row)
    except csv.Error:  # longer than the reader takes
        return True


def _delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that cuts most rows into the same number of columns, two at least."""

    def quality(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        first = widths[0] if widths else 0
        return (sum(width == first for width in widths), first) if first > 1 else (0, 0)

    return max(DELIMITERS, key=quality)


def _is_header(rows: Sequence[tuple[int, list[str]]], index: ImageIndex) -> bool:
    cells = [cell.strip().casefold().replace(" ", "_") for cell in rows[0][1]]
    if any(index.find(cell).ids or is_image_name(cell) for cell in cells if cell):
        return False
    if _IMAGE_NAMES.intersection(cells):
        return True
    sample = [row for _, row in rows[1:_SAMPLE]]
    repeats = any(row[i : i + 1] == [cell] for row in sample for i, cell in enumerate(rows[0][1]) if cell.strip())
    return not repeats and any(index.find(cell).ids for row in sample for cell in row)


def _image_column(table: Table, names: Sequence[str], index: ImageIndex) -> int:
    """Return the column whose cells are images most often; between equals the one with a fitting name."""
    sample = table.rows[:_SAMPLE]

    def quality(column: int) -> tuple[int, bool]:
        hits = sum(bool(index.find(row[column]).ids) for _, row in sample if column < len(row))
        return hits, names[column] in _IMAGE_NAMES

    return max(range(table.width), key=quality)


def _first(names: Sequence[str], wanted: frozenset[str], taken: Sequence[int]) -> int:
    return next((column for column, name in enumerate(names) if name in wanted and column not in taken), -1)


def _is_flag(cells: Sequence[str]) -> bool:
    """Return True when at least half of a column's filled cells say yes or no, and hardly any another number."""
    numbers = sum(_is_number(cell) and as_flag(cell) not in _FLAGS for cell in cells)
    if numbers and (numbers > _OTHER_NUMBERS * len(cells) or not FALSE_FLAGS.intersection(map(as_flag, cells))):
        return False  # the number of a data set, say, which is never 0
    return _mostly_flags(cells)


def _mostly_flags(cells: Sequence[str]) -> bool:
    """Return True when at least half of a column's filled cells say yes or no."""
    filled = [as_flag(cell) for cell in cells if not is_empty(cell)]
    return bool(filled) and 2 * sum(cell in _FLAGS for cell in filled) >= len(filled)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
