"""Tables of a run as aligned text and as CSV."""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

from napari_wsss.core.files import publish_bytes

TABLE, TABLE_CSV = "table.txt", "table.csv"


def to_csv(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as CSV text (comma, quoted where needed, line feed)."""
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def aligned(rows: Sequence[Sequence[str]], empty: str = "-") -> str:
    """Return rows as text, the first column left-aligned, the others right-aligned, `empty` in empty cells."""
    cells = [[cell or empty for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(line))
        for line in (list(zip(row, widths, strict=True)) for row in cells)
    )
    return "\n".join(line.rstrip() for line in lines)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows (header first) as a Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def as_text(tables: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """Return named tables below each other."""
    return "\n\n".join(f"{name}\n{aligned(rows)}" for name, rows in tables.items())


def write_tables(folder: Path, tables: Mapping[str, Sequence[Sequence[str]]]) -> None:
    """Write named tables as `table.txt` and, with the name as first column, `table.csv`; nothing when there is none."""
    if not tables:
        return
    # Different tables may have different columns, so each keeps its header row.
    rows = [[name, *row] for name, table in tables.items() for row in table]
    for name, content in ((TABLE, as_text(tables) + "\n"), (TABLE_CSV, to_csv(rows))):
        publish_bytes(folder / name, content.encode())
