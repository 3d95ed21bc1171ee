"""Several tables with notes, shown and written together: as text, CSV and LaTeX."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from napari_wsss.core.files import publish
from training.latex import document
from training.tables import aligned, write_tables

LATEX = "tables.tex"
Rows = list[list[str]]


@dataclass
class TableSet:
    """Tables by name (header row first), and what a reader has to know about each."""

    tables: dict[str, Rows] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def put(self, name: str, rows: Rows, *notes: str) -> None:
        """Add a table with the notes that are not empty; of one without a row below its header, the notes alone."""
        if len(rows) > 1:
            self.tables[name] = rows
        self.notes[name] = [note for note in notes if note]

    def as_text(self) -> str:
        """Return everything below each other."""
        parts = []
        for name, notes in self.notes.items():
            shown = [aligned(self.tables[name])] if name in self.tables else []
            parts.append("\n".join([name, *shown, *notes]))
        return "\n\n".join(parts)

    def write(self, folder: Path) -> None:
        """Write `table.txt`, `table.csv` and `tables.tex`."""
        folder.mkdir(parents=True, exist_ok=True)
        write_tables(folder, self.tables)
        with publish(folder / LATEX) as file:
            file.write(document(self.tables, self.notes).encode())
