"""Several tables with notes, shown and written together: as text, CSV and LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from napari_wsss.core.files import publish_bytes
from training.scoring.latex import document
from training.scoring.tables import TABLE, aligned, write_tables

LATEX = "tables.tex"
Rows = list[list[str]]


@dataclass
class TableSet:
    """Tables by name (header row first), and what a reader has to know about each."""

    tables: dict[str, Rows] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)

    def put(self, name: str, rows: Rows, *notes: str, missing: Sequence[str] = ()) -> None:
        """Add a table with the notes that are not empty, and what is missing from it.

        Of one without a row below its header there is only what is missing.
        """
        whole = len(rows) > 1
        if whole:
            self.tables[name] = rows
        self.notes[name] = [note for note in notes if note and whole]
        self.missing[name] = list(dict.fromkeys(each for each in missing if each))

    def as_text(self) -> str:
        """Return everything below each other."""
        parts = []
        for name, notes in self.notes.items():
            shown = [aligned(self.tables[name])] if name in self.tables else []
            parts.append("\n".join([name, *shown, *notes, *self.missing[name]]))
        return "\n\n".join(parts)

    def write(self, folder: Path) -> None:
        """Write `table.txt` and `tables.tex`, which say what is missing, and `table.csv`."""
        folder.mkdir(parents=True, exist_ok=True)
        write_tables(folder, self.tables)
        missing = [f"{name}: {each}" for name, found in self.missing.items() for each in found]
        latex = document(self.tables, self.notes, missing)
        for name, content in ((TABLE, self.as_text() + "\n"), (LATEX, latex)):
            publish_bytes(folder / name, content.encode())
