"""The Export page: masks, proposals, activation maps and clusters out, in the formats of other tools.

What a person can do with it: choose what, of which images, in which format and where; look first what would be written
and what is left out and why; export; open the folder. The same choice again writes only what changed.
"""

from pathlib import Path
from typing import Any

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QCheckBox, QFileDialog, QLineEdit, QWidget

from napari_wsss.session.export_choices import WHAT, What
from napari_wsss.session.exporting import BESIDE, IMAGE_CHOICES, STATE_CHOICES, Choice, possible_formats
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, choose, column, combo, heading, line, row, text_label
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.plain_text import as_text

MOST_LINES = 12
"""Of a report on the page; the data card and the terminal tell all."""


class ExportPage(QWidget):
    """Exports of the open project."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._written = Path()
        self.what = combo(tuple(WHAT.items()), lambda _what: self._offer_formats())
        self.format = combo(())
        self.beside = {name: _check(title, tip) for name, (title, tip) in BESIDE.items()}
        self.states = combo(tuple(STATE_CHOICES.items()))
        self.search = QLineEdit()
        self.search.setPlaceholderText("all; or a search: class:cat split:val")
        self.search.setToolTip("As in the queue: only images that it finds")
        self.images = combo(tuple(IMAGE_CHOICES.items()))
        self.replaced = _check("masks of replaced images, too", "Their image files changed since they were accepted")
        self.overwrite = _check("replace other files", "Files in the folder that no earlier export of this choice made")
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("folder to write")
        self.look = button("Look first", lambda: self._begin(dry_run=True), "Check everything, write nothing")
        self.write = button("Export", lambda: self._begin(dry_run=False), "Again with the same choice: what changed")
        self.show_folder = button("Open folder", self._open, "In the file manager")
        self.report = text_label()
        self._lay_out()
        self._offer_formats()
        listen(
            self,
            (session.signals.project_opened, self.refresh),
            (session.signals.project_closed, self.refresh),
            (session.exports.told, self._tell),
        )
        self.refresh()

    def _lay_out(self) -> None:
        browse = button("…", self._browse, "Choose the folder")
        *beside, last = self.beside.values()  # side by side they are wider than the panel has to be
        also = row(text_label("Also", wrap=False))
        also.addLayout(column(row(*beside, 1), last), 1)
        self.setLayout(
            column(
                heading("What"),
                self.what,
                row(text_label("Images", wrap=False), self.states),
                self.search,
                self.replaced,
                line(),
                heading("How"),
                self.format,
                also,
                row(text_label("Photographs", wrap=False), self.images),
                line(),
                heading("Where"),
                row(self.folder, browse),
                self.overwrite,
                row(self.look, self.write, self.show_folder, 1),
                self.report,
                1,
                margin=4,
            )
        )

    def refresh(self) -> None:
        """Follow another project."""
        is_open = self._session.project is not None
        for one in (self.look, self.write):
            one.setEnabled(is_open)
        self.show_folder.setEnabled(False)
        self.folder.setText(str(self._session.exports.usual_folder) if is_open else "")
        self.report.setText("" if is_open else "Open a project first.")

    def _offer_formats(self) -> None:
        what: What = self.what.currentData()
        self.format.clear()
        for name, title in possible_formats(what).items():
            self.format.addItem(title, name)
        has_pixels = what in ("masks", "proposals")
        for one in self.beside.values():
            one.setEnabled(has_pixels)
        self.replaced.setEnabled(what == "masks")
        choose(self.states, "accepted" if what == "masks" else "")

    # Exporting

    @property
    def choice(self) -> Choice:
        """What is chosen."""
        asked = [name for name, one in self.beside.items() if one.isEnabled() and one.isChecked()]
        return Choice(
            self.what.currentData(),
            tuple(str(self.states.currentData()).split()),
            self.search.text().strip(),
            self.replaced.isEnabled() and self.replaced.isChecked(),
            tuple(dict.fromkeys([str(self.format.currentData()), *asked])),
            self.images.currentData(),
            self.overwrite.isChecked(),
        )

    def _begin(self, dry_run: bool) -> None:
        folder = self.folder.text().strip()
        if not folder:
            self.report.setText("Choose a folder to write into.")
            return
        self.report.setText("")
        self._session.exports.begin(Path(folder).expanduser(), self.choice, dry_run)

    def _tell(self, report: Any) -> None:
        lines = report.summary().splitlines()
        rest = [f"… and {len(lines) - MOST_LINES} lines more: data-card.md has them"] if len(lines) > MOST_LINES else []
        self.report.setText(as_text("\n".join([*lines[:MOST_LINES], *rest])))
        if not report.dry_run:
            self._written = report.folder
            self.show_folder.setEnabled(True)

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder to export into", self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _open(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written))):
            self._session.signals.failed.emit(f"No file manager answers; the export is in {self._written}.")


def _check(title: str, tip: str) -> QCheckBox:
    made = QCheckBox(title)
    made.setToolTip(as_text(tip))
    return made
