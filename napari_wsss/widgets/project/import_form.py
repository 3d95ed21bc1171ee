"""Labels, masks and maps of other tools into the open project: choose, look, and only then take.

What a person can do with it: choose what it is and where it lies (or drop it on the panel), read what would be taken
and what does not fit, take it, take imported labels back, and make another Labels layer the mask.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QCheckBox, QWidget

from napari_wsss.core.errors import WsssError
from napari_wsss.session.imports import (
    WHAT,
    ImportChoices,
    Report,
    What,
    encoding_of,
    encodings,
    found_out,
    kinds_of,
    paints_nothing,
)
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import (
    LAID_OUT_MS,
    bring_into_view,
    button,
    choose,
    column,
    combo,
    row,
    single_shot,
    text_label,
)
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.project.new_project import PathField, ReportTree

TITLES: dict[What, str] = {
    "labels": "image-level labels",
    "masks": "masks",
    "maps": "activation maps",
}
UNKNOWN = (
    ("refuse", "leave out"),
    ("background", "background"),
    ("ignore", "ignored pixels"),
)
LayerValues = Callable[[], tuple[str, Any] | None]
"""Returns name and values of the Labels layer that is chosen in the viewer, None where it is none of another's."""
NO_LAYER = "Choose a Labels layer in the list of layers that is not one of this panel's."


class ImportForm(QWidget):
    """The form; nothing is changed before *Import*.

    Parameters
    ----------
    session : Session
    chosen_layer : callable, optional
        Gives the values of another Labels layer; without it there is no button for it.
    """

    def __init__(
        self, session: Session, chosen_layer: LayerValues | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._chosen_layer = session, chosen_layer
        self.report: Report | None = None
        self._otherwise: What | None = None
        self._choices()
        self._results()
        self._bring = single_shot(self, LAID_OUT_MS, lambda: bring_into_view(self.summary))
        self.source.changed.connect(self.preview)
        self._lay_out()
        listen(
            self,
            (session.signals.project_opened, self.refresh),
            (session.signals.project_closed, self.refresh),
            (session.imports.done, self._refresh_back),
        )
        self._choose_what()

    def _choices(self) -> None:
        """Make what a person chooses: what it is, where it lies, how it is read and taken."""
        self.what = combo([(what, TITLES[what]) for what in WHAT], lambda _what: self._choose_what())
        self.kind = combo(kinds_of("labels"), lambda _kind: self.preview())
        self.encoding = combo(encodings(), lambda _encoding: self.preview())
        self.encoding_row = QWidget()
        self.encoding_row.setLayout(row(text_label("Encoding", wrap=False), self.encoding))
        self.source = PathField("file, folder or zip archive of another tool", file_too=True)
        self.unknown = combo(UNKNOWN, lambda _way: self.preview())
        self.unknown_row = QWidget()
        self.unknown_row.setLayout(
            row(text_label("Unknown classes", wrap=False, tip="Those that the project does not have"), self.unknown)
        )
        self.instances = QCheckBox("values count objects")
        self.instances.setToolTip("All of them are of the image's only label, whatever their number")
        self.regions = QCheckBox("objects without class: to be filled")
        self.regions.setToolTip("They become ignored regions; a click with napari's fill tool gives one its class")
        self.accept = QCheckBox("accept them (else drafts)")
        self.overwrite = QCheckBox("also where I worked already")
        for box in (self.instances, self.regions, self.overwrite):
            box.clicked.connect(lambda: self.preview())

    def _results(self) -> None:
        """Make what tells what would be taken, and the buttons that take it or give it back."""
        self.summary = text_label()
        self.tree = ReportTree()
        self.tree.hide()
        self.take_button = button("Import", self._take, "Takes what is listed; one step that can be undone")
        self.back_button = button("", self._take_back, "Gives the images the labels they had before")
        tip = "The layer chosen in the list, for the shown image; undoable"
        self.layer_button = button("Chosen Labels layer as mask", self._take_layer, tip)
        self.layer_button.setVisible(self._chosen_layer is not None)

    def _lay_out(self) -> None:
        self.setLayout(
            column(
                row(text_label("What", wrap=False), self.what),
                row(text_label("Format", wrap=False), self.kind),
                self.encoding_row,
                self.source,
                self.unknown_row,
                self.instances,
                self.regions,
                self.accept,
                self.overwrite,
                row(button("Preview", self.preview, "Reads, reports, changes nothing"), self.take_button),
                self.summary,
                self.tree,
                self.back_button,
                self.layer_button,
            )
        )

    def open_source(self, what: What, path: Path) -> None:
        """Show what a dropped file or folder holds: its labels where there turns out to be no mask that can be used."""
        self._otherwise = "labels" if what == "masks" else None
        choose(self.what, what)
        self.source.text.setText(str(path))
        self._choose_what()

    def refresh(self) -> None:
        """Follow another project."""
        self.report = None
        self.summary.setText("")
        self.tree.hide()
        self._allow()

    def _choose_what(self) -> None:
        what: What = self.what.currentData()
        self.kind.clear()
        for kind, title in kinds_of(what):
            self.kind.addItem(title, kind)
        for part in (self.unknown_row, self.instances, self.regions, self.accept):
            part.setVisible(what == "masks")
        self.encoding_row.setVisible(what == "labels")
        self.overwrite.setVisible(what != "maps")
        self._allow()
        self.preview()

    def choices(self) -> ImportChoices:
        """Return what is chosen."""
        return ImportChoices(
            self.kind.currentData() or "auto",
            self.unknown.currentData(),
            self.instances.isChecked(),
            self.regions.isChecked(),
            self.accept.isChecked(),
            self.overwrite.isChecked(),
            self.encoding.currentData() or "",
        )

    def preview(self) -> None:
        """Read the source in the background and show what it holds."""
        source = self.source.path
        self.report = None
        self._allow()
        if source is None or self._session.project is None:
            return
        self.summary.setText("reading …")
        job = self._session.imports.preview(self.what.currentData(), source, self.choices())
        listen(self, (job.succeeded, self._show_report), (job.failed, self._show_problem), until=job.ended)
        self._session.jobs.submit(job)

    def _take_otherwise(self) -> bool:
        """Look for what else a dropped source may hold; return False where nobody asked to."""
        what, self._otherwise = self._otherwise, None
        if what is None:
            return False
        choose(self.what, what)
        self._choose_what()
        return True

    def _show_report(self, report: Report) -> None:
        self.report = report
        if paints_nothing(report) and self._take_otherwise():
            return
        self._otherwise = None
        self.summary.setText(report.summary())
        self.encoding.setItemText(0, found_out("" if self.encoding.currentData() else encoding_of(report)))
        self.encoding.setToolTip(self.encoding.currentText())
        self.tree.show_entries(report.entries())
        self.tree.show()
        self._allow()
        self._bring.start()

    def _show_problem(self, message: str) -> None:
        if self._take_otherwise():
            return
        self.summary.setText(message)
        self.tree.hide()
        self._allow()
        self._bring.start()

    def _allow(self) -> None:
        project = self._session.project
        self.take_button.setEnabled(self._is_usable() and project is not None and not project.read_only)
        self.layer_button.setEnabled(project is not None and not project.read_only)
        self._refresh_back()

    def _is_usable(self) -> bool:
        if self.report is None:
            return False
        try:
            self.report.check()
        except WsssError:
            return False
        return True

    def _refresh_back(self) -> None:
        source = self._session.imports.labels_from
        self.back_button.setVisible(bool(source))
        self.back_button.setText("Take the imported labels back")
        self.back_button.setToolTip(f"Those from {source}")

    def _take(self) -> None:
        if self.report is not None and self._session.imports.take(self.report, self.choices()):
            self.report = None
            self.summary.setText("")
            self.tree.hide()
            self._allow()

    def _take_back(self) -> None:
        self._session.imports.take_back_labels()

    def _take_layer(self) -> None:
        found = self._chosen_layer() if self._chosen_layer else None
        if found is None:
            self._session.signals.failed.emit(NO_LAYER)
        else:
            self._session.imports.take_layer(found[1], found[0])
