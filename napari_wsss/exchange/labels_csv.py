"""Image-level labels from a CSV file: a labels column, one 0/1 column per class, both, or one row per label."""

from collections.abc import Sequence
from pathlib import Path

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.csv_table import (
    DOUBT_FLAGS,
    FALSE_FLAGS,
    TRUE_FLAGS,
    UNKNOWN,
    Columns,
    Table,
    as_flag,
    find_columns,
    read_table,
)
from napari_wsss.exchange.label_report import LabelCollector, LabelReport
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.text_files import find_separator, is_nothing, split_name, split_names


def read_csv(
    index: ImageIndex, path: Path, known: Sequence[str] = (), *, also: Sequence[str] = (), encoding: str = ""
) -> LabelReport:
    """Return the labels of a CSV file (comma, semicolon, tab or bar; with or without header; any usual encoding).

    In the labels column names stand between ``;``, ``|`` or ``,`` (they may then hold spaces), else white space. An
    empty cell means *not labelled yet*; ``none``, ``negative`` or ``background`` means none of the classes, unless a
    class is called so. So does a row whose 0/1 columns say no and never yes; one of empty cells says nothing. Where a
    labels column and 0/1 columns disagree, the row is reported and the labels column counts. -1 (or ``?``) in a 0/1
    column is *uncertain*: whether that class is there is not known; -1 is *no* where the columns hold nothing but 1
    and -1.

    Parameters
    ----------
    index : ImageIndex
        The images.
    path : Path
        The CSV file.
    known : sequence of str
        The class list, where there is one; it decides which 0/1 columns are classes.
    also : sequence of str
        See `LabelCollector`.
    encoding : str
        How the file is written, as Python names it; "" finds out.

    Raises
    ------
    LabelError
        When the file is empty, not text, or has no column of labels.
    """
    table = read_table(path, index, encoding, (*known, *also))
    columns = find_columns(table, index, path, known)
    rows = _Rows(table, columns, path.name, LabelCollector(index, known, also))
    rows.collect()
    return rows.into.report("csv", f"{path.name} ({rows.form})", rows.class_columns)


class _Rows:
    """The rows of one table on their way into a collector."""

    def __init__(self, table: Table, columns: Columns, name: str, into: LabelCollector) -> None:
        self.table, self.columns, self.name, self.into = table, columns, name, into
        self.cells = [self._label_cell(row) for _, row in table.rows]
        self.separator = find_separator(self.cells)
        self.flags = self._flag_names()
        self.class_columns = tuple(self.flags.values())
        self.has_doubts = self._has_doubts()
        self.long = self._is_long()

    @property
    def form(self) -> str:
        """The layout in words."""
        if self.long:
            return "one row per label"
        parts = ["a labels column"] if self.columns.labels >= 0 else []
        return " and ".join(parts + ([f"{len(self.flags)} 0/1 columns"] if self.flags else []))

    def collect(self) -> None:
        """Read every row."""
        unlabelled = 0
        if self.table.note:
            self.into.notes.append(self.table.note)
        self.into.unreadable += [f"{self.name} {place}" for place in self.table.damaged]
        if self.columns.unused:
            self.into.notes.append(f"columns left out: {', '.join(self.columns.unused)}")
        for (line, row), cell in zip(self.table.rows, self.cells, strict=True):
            unlabelled += not self._collect_row(row, cell, f"{self.name} line {line}")
        if unlabelled:
            self.into.notes.append(f"{unlabelled} rows give no label; their images count as not labelled yet")

    def _collect_row(self, row: list[str], cell: str, place: str) -> bool:
        """Read one row; return False when it is a sound row that says nothing about labels."""
        image = row[self.columns.image].strip() if self.columns.image < len(row) else ""
        if not image or len(row) < len(self.table.header):
            missing = "no image" if not image else f"{len(row)} cells, expected {len(self.table.header)}"
            self.into.unreadable.append(f"{place}: {missing}")
            return True
        flagged, doubtful = self._flagged(row, place)
        named = None if self.into.is_empty(cell) else self.into.classes_in(cell, self.separator)
        self._compare(named, flagged, image, place)
        names = named if named is not None else flagged
        id_ = self._put(image, names, place)
        split = row[self.columns.split] if self.columns.split >= 0 else ""
        if id_ is not None and split.strip():
            self.into.put_split(id_, split_name(split), place)
        if id_ is not None and names is not None:
            self.into.doubt(id_, doubtful)
        return names is not None

    def _put(self, image: str, names: Sequence[str] | None, place: str) -> str | None:
        if names is None:
            return self.into.match(image, place)
        if not self.long:
            return self.into.add(image, names, place)
        id_ = self.into.match(image, place)
        if id_ is not None:
            self.into.extend(id_, names, place)
        return id_

    def _compare(self, named: list[str] | None, flagged: list[str] | None, image: str, place: str) -> None:
        if named is None or flagged is None:
            return
        with_column = [name for name in named if name in self.class_columns]
        if set(with_column) != set(flagged):
            self.into.conflicts.append(
                f"{place}: {image!r} has the labels {' '.join(sorted(named)) or 'none'}, but its 0/1 columns say "
                f"{' '.join(sorted(flagged)) or 'none'}; the labels column counts"
            )

    def _flagged(self, row: list[str], place: str) -> tuple[list[str] | None, list[str]]:
        """Return the classes whose 0/1 column says yes, and those of which it says that it is uncertain.

        None without such columns, with an unreadable flag, or where nothing is certain. A row labels an image *none of
        the classes* when some column says no and all others the same, or nothing.
        """
        if not self.flags:
            return None, []
        cells = {name: as_flag(row[column]) if column < len(row) else "" for column, name in self.flags.items()}
        wrong = {name: cell for name, cell in cells.items() if cell not in TRUE_FLAGS | FALSE_FLAGS | DOUBT_FLAGS}
        if wrong:
            said = ", ".join(f"{cell!r} in column {name}" for name, cell in wrong.items())
            self.into.unreadable.append(f"{place}: {said}; expected 0 or 1")
            return None, []
        certain = [name for name, cell in cells.items() if cell in TRUE_FLAGS]
        doubtful = [name for name, cell in cells.items() if self.has_doubts and cell in DOUBT_FLAGS]
        says_something = any(cell and name not in doubtful for name, cell in cells.items())
        return (certain, doubtful) if says_something else (None, [])

    def _has_doubts(self) -> bool:
        """Return True where -1 stands for *uncertain*: beside it some cell says 0, or nothing."""
        cells = {as_flag(cell) for column in self.flags for cell in self.table.cells(column)}
        return UNKNOWN in cells or bool(cells & DOUBT_FLAGS and cells & FALSE_FLAGS)

    def _label_cell(self, row: list[str]) -> str:
        """Return the labels cell; cells beyond the header (or all, without one) belong to it when it is the last."""
        start = self.columns.labels
        if not 0 <= start < len(row):
            return ""
        is_last = start == self.table.width - 1 or not self.table.header
        cells = [row[start], *(row[start + 1 :] if is_last else [])]
        filled = [cell.strip() for cell in cells if cell.strip()]
        return ";".join(filled)

    def _flag_names(self) -> dict[int, str]:
        """Return column -> class of the 0/1 columns; beside a labels column only those that it bears out."""
        columns, header = self._different_columns(), self.table.header
        if columns and not header:
            return self._flags_without_header()
        if self.columns.labels < 0:
            return {column: header[column] for column in columns}
        labels = {name for cell in self.cells for name in split_names(cell, self.separator, self.into.names)}
        known = labels | set(self.into.known)
        borne_out = [c for c in columns if header[c] in known or not _says_yes(self.table.cells(c))]
        for column in set(columns).difference(borne_out):
            self.into.notes.append(f"column {header[column]!r} holds 0/1 but is no label: left out")
        return {column: header[column] for column in borne_out}

    def _different_columns(self) -> tuple[int, ...]:
        """Return the 0/1 columns that name a class for the first time; background and *none* are no classes."""
        header = self.table.header
        if not header:
            return self.columns.flags
        classes = [column for column in self.columns.flags if not is_nothing(header[column], self.into.names)]
        first = {header[column]: column for column in reversed(classes)}
        for column in set(classes).difference(first.values()):
            self.into.conflicts.append(
                f"{self.name}: column {column + 1} repeats the name {header[column]!r}: left out"
            )
        return tuple(sorted(first.values()))

    def _flags_without_header(self) -> dict[int, str]:
        columns = self.columns.flags
        if len(columns) == len(self.into.known):
            return dict(zip(columns, self.into.known, strict=True))
        raise LabelError(
            f"{self.name} has {len(columns)} columns of 0/1 but no header, and no classes.txt of as many names lies "
            "beside it; add a first line with the class names."
        )

    def _is_long(self) -> bool:
        """Return True when several rows of one image each give one more label (the column is called *label*)."""
        if self.flags or not self.columns.one_label or self.separator is not None:
            return False
        images = self.table.cells(self.columns.image)
        given: dict[str, set[str]] = {}
        for image, cell in zip(images, self.cells, strict=True):
            given.setdefault(image, set()).add(cell)
        return any(len(cells) > 1 for cells in given.values())


def _says_yes(cells: Sequence[str]) -> bool:
    return any(as_flag(cell) in TRUE_FLAGS for cell in cells)
