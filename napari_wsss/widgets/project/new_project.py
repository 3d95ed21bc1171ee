"""Making a project: a folder of images, where the labels come from, what is wrong with them, and only then Create.

What a person can do with it: choose the images, choose or find the label source, say which pages and channels of
microscopes' files make the pictures, read the report (matched, unmatched, duplicate and unreadable entries by name),
adjust the classes, create.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QFileDialog, QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QWidget

from napari_wsss.core.errors import WsssError
from napari_wsss.core.plural import counted
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pixels.decoding.channels import parse_channels
from napari_wsss.session.imports import encodings, found_out, kinds_of
from napari_wsss.session.jobs import Job
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import (
    LAID_OUT_MS,
    bring_into_view,
    button,
    column,
    combo,
    explain,
    row,
    single_shot,
    text_label,
    tool_button,
)
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.stubs import certain


class LabelReport(Protocol):
    """What `Session.preview_labels` returns, as far as it is shown here."""

    source: str
    images: tuple[str, ...]
    labels: Mapping[str, frozenset[str]]
    classes: tuple[str, ...]
    unmatched: tuple[str, ...]
    duplicates: tuple[str, ...]
    unreadable: tuple[str, ...]
    conflicts: tuple[str, ...]
    notes: tuple[str, ...]
    without_labels: tuple[str, ...]
    is_clean: bool
    encoding: str

    def counts(self) -> dict[str, int]:
        """Return the number of images per class."""

    def whole(self) -> str:
        """Return every entry, one a line."""

    def as_json(self) -> str:
        """Return the report as one JSON object."""


KINDS = kinds_of("labels")
MOST_NAMES = 200
NOTES_SHOWN = 2
REPORT_FILES = "Text (*.txt);;JSON (*.json)"
PREVIEW = "labels"
CREATE_TIP = "Writes the project folder; your images stay as they are"
PAGES_TIP = (
    "Every page of a TIFF stack is an image: time points, focus planes or pages; else only the first. Volumes are not "
    "segmented."
)
CHANNELS_TIP = (
    "Which channels make the pictures: one for grey (2), or three for red, green and blue, 0 for none (0,2,0 is "
    "green). Deep channels are stretched each by itself."
)


class PathField(QWidget):
    """A line for a path with a button that browses.

    Attributes
    ----------
    changed : Signal()
        The path was typed or chosen.
    """

    changed = Signal()

    def __init__(self, hint: str, *, file_too: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLineEdit()
        self.text.setPlaceholderText(hint)
        self.text.editingFinished.connect(self.changed)
        widgets: list[QWidget] = [self.text, tool_button("…", self._browse_folder, f"Choose: {hint}")]
        if file_too:
            widgets.append(tool_button("file …", self._browse_file, "Choose a file"))
        self.setLayout(row(*widgets))

    @property
    def path(self) -> Path | None:
        """The path, None while the line is empty."""
        text = self.text.text().strip()
        return Path(text).expanduser() if text else None

    def set_path(self, path: Path | str) -> None:
        """Show a path and report it."""
        self.text.setText(str(path))
        self.changed.emit()

    def _browse_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.text.placeholderText(), self.text.text())
        if chosen:
            self.set_path(chosen)

    def _browse_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, self.text.placeholderText(), self.text.text())
        if chosen:
            self.set_path(chosen)


class ReportTree(QTreeWidget):
    """A label report as counts that unfold into names."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHeaderLabels(["Entries", "Number"])
        self.setRootIsDecorated(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumHeight(120)
        header = certain(self.header())
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)

    def show_report(self, report: LabelReport) -> None:
        """List what was found and everything that does not fit, problems and notes unfolded."""
        self.clear()
        self._add("images with labels", [f"{k}: {', '.join(sorted(v))}" for k, v in report.labels.items()])
        self._add("classes", [f"{name}: {counted(count, 'image')}" for name, count in report.counts().items()])
        self._add("images without an entry", report.without_labels)
        for title, names in (
            ("unmatched entries (no such image)", report.unmatched),
            ("duplicate or ambiguous entries", report.duplicates),
            ("unreadable files and lines", report.unreadable),
            ("contradictions", report.conflicts),
        ):
            self._add(title, names, problem=True)
        self._add("notes", report.notes, unfolded=True)

    def show_entries(self, entries: Mapping[str, list[str]]) -> None:
        """List the entries of every kind that has some."""
        self.clear()
        for title, names in entries.items():
            if names:
                self._add(title, names)

    def _add(
        self, title: str, names: list[str] | tuple[str, ...], *, problem: bool = False, unfolded: bool = False
    ) -> None:
        mark = "⚠ " if problem and names else ""
        top = QTreeWidgetItem([mark + title, str(len(names))])
        for name in list(names)[:MOST_NAMES]:
            entry = QTreeWidgetItem([str(name)])
            entry.setToolTip(0, str(name))
            top.addChild(entry)
        if len(names) > MOST_NAMES:
            top.addChild(QTreeWidgetItem([f"… and {len(names) - MOST_NAMES} more"]))
        self.addTopLevelItem(top)
        for place in range(top.childCount()):
            certain(top.child(place)).setFirstColumnSpanned(True)  # there is no number beside it
        top.setExpanded(bool(mark) or unfolded)


def channel_field() -> QLineEdit:
    """Return a line for the channels that make the pictures."""
    made = QLineEdit()
    made.setPlaceholderText("as stored; or 2; or 3,1,2")
    made.setToolTip(CHANNELS_TIP)
    return made


def _summary(report: LabelReport) -> str:
    """Return what was found in a sentence or two, and what is still asked of a person."""
    images = counted(len(report.images), "image")
    notes = "".join(f" Note: {note}." for note in report.notes[:NOTES_SHOWN])
    if not report.labels and not report.classes:
        wanted = "Write the names of the classes into the line below, then create the project."
        return f"{images}, no labels found.{notes} {wanted}"
    clean = "Everything fits." if report.is_clean else "Some entries do not fit; they are listed below."
    found = f"{len(report.labels)} with labels, {counted(len(report.classes), 'class', 'classes')} from {report.source}"
    return f"{images}, {found}. {clean}{notes}"


class NewProject(QWidget):
    """The form that makes a project; nothing is written before *Create*."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.report: LabelReport | None = None
        self._offered_for: Path | None = None
        self.images = PathField("folder of images")
        self.kind = combo(KINDS, lambda _kind: self.preview())
        self.encoding = combo(encodings(), lambda _encoding: self.preview())
        self.source = PathField("label file or folder (found by itself if beside the images)", file_too=True)
        self.pages = QCheckBox("pages apart")
        self.pages.setToolTip(PAGES_TIP)
        self.pages.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.pages.toggled.connect(lambda _on: self.preview())
        self.channels = channel_field()
        self.channels.editingFinished.connect(self._on_channels)
        self._channels_read, self._pages_read = "", False
        self._classes_read, self._named = "", list[str]()
        self._asked: object = None
        self._bring = single_shot(self, LAID_OUT_MS, self._show_what_is_asked)
        self.tree = ReportTree()
        self.summary = text_label()
        self.classes = QLineEdit()
        self.classes.setPlaceholderText("classes in order, separated by commas")
        self.classes.textEdited.connect(lambda _text: self._allow())
        self.folder = PathField("project folder (new)")
        self.keep_button = button("Save report …", self._keep_report, "All of it, also what is only counted above")
        self.create_button = button("Create project", self._create)
        self.images.changed.connect(self._on_images)
        self.source.changed.connect(self.preview)
        self.folder.changed.connect(self._allow)
        self.setLayout(
            column(
                self.images,
                row(text_label("Labels", wrap=False), self.kind),
                row(text_label("Encoding", wrap=False), self.encoding),
                self.source,
                row(text_label("Channels", wrap=False, tip=CHANNELS_TIP), self.channels, self.pages),
                row(button("Preview labels", self.preview, "Reads, reports, writes nothing"), self.keep_button),
                self.summary,
                self.classes,
                self.folder,
                self.create_button,  # above the long list, so that it is seen without scrolling
                self.tree,
            )
        )
        self.tree.hide()
        self._allow()

    def open_images(self, folder: Path) -> None:
        """Begin with a folder of images."""
        self.images.set_path(folder)

    def open_labels(self, table: Path) -> None:
        """Take a label table, for the pictures around it where none were chosen."""
        if self.images.path is None:
            self.images.text.setText(str(table.parent))
            self._offer_folder()
        self.source.set_path(table)

    def _on_images(self) -> None:
        self.source.text.clear()  # found anew beside other pictures
        self.encoding.setItemText(0, found_out(""))
        self._offer_folder()
        self.preview()

    def _on_channels(self) -> None:
        if self.channels.text() != self._channels_read:
            self.preview()

    def _offer_folder(self) -> None:
        """Offer a project folder beside the pictures: one typed for others is not meant for these."""
        images = self.images.path
        if images is not None and images != self._offered_for:
            self._offered_for = images
            self.folder.text.setText(str(images.parent / f"{images.name}_wsss"))

    def preview(self) -> None:
        """Read the labels in the background and show the report."""
        images, source, kind = self.images.path, self.source.path, self.kind.currentData()
        if self.classes.text() != self._classes_read:  # else a wrong encoding's names would be known from then on
            self._named = self.class_names()
        encoding, also = self.encoding.currentData(), self._named
        pages, self._channels_read = self.pages.isChecked(), self.channels.text()
        self._pages_read, asked = pages, object()
        self._asked = asked
        self.report = None
        self._allow()
        if images is None:
            return
        session = self._session
        try:
            channels = parse_channels(self._channels_read)
        except WsssError as error:
            self._show_problem(str(error))
            return

        def read() -> Steps[tuple[object, LabelReport]]:
            yield Progress("labels", 0, 0, str(images))
            report: LabelReport = session.preview_labels(images, source, kind, encoding, also, pages, channels)
            return asked, report

        self.summary.setText("reading …")
        job = Job("reading labels", read, key=PREVIEW, lane=PREVIEW)
        listen(self, (job.succeeded, self._take), (job.failed, self._show_problem), until=job.ended)
        session.jobs.submit(job)

    def _take(self, found: tuple[object, LabelReport]) -> None:
        """Show what was asked for last; an answer to what was chosen before is none."""
        asked, report = found
        if asked is self._asked:
            self._show_report(report)

    def _show_report(self, report: LabelReport) -> None:
        self.report = report
        self.tree.show_report(report)
        self.tree.show()
        self.summary.setText(_summary(report))
        self.encoding.setItemText(0, found_out("" if self.encoding.currentData() else report.encoding))
        self.encoding.setToolTip(self.encoding.currentText())
        self._classes_read = ", ".join(report.classes)
        self.classes.setText(self._classes_read)
        self.classes.setCursorPosition(0)
        self._allow()
        self._bring.start()  # a small window shows the upper half of the form

    def _show_what_is_asked(self) -> None:
        """Scroll to what was found, what is asked and the button below, from above and from below."""
        for part in (self.summary, self.create_button):
            bring_into_view(part)

    def _show_problem(self, message: str) -> None:
        self.summary.setText(message)
        self.tree.hide()
        self._allow()

    def class_names(self) -> list[str]:
        """Return the class names that are written in the line."""
        return [name.strip() for name in self.classes.text().split(",") if name.strip()]

    def _allow(self) -> None:
        self.keep_button.setEnabled(self.report is not None)
        ready = self.report is not None and bool(self.class_names()) and self.folder.path is not None
        self.create_button.setEnabled(ready)
        explain(self.create_button, CREATE_TIP, "Images, names of classes and a project folder are needed.")
        self._session.next_steps.prepare(ready)

    def _keep_report(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the report", "labels-report.txt", REPORT_FILES)
        if chosen:
            self.save_report(Path(chosen))

    def save_report(self, path: Path) -> None:
        """Write the whole report: as JSON where the file is to be called so, else as lines."""
        if self.report is None:
            return
        try:
            path.write_text(self.report.as_json() if path.suffix == ".json" else self.report.whole(), encoding="utf-8")
        except OSError as error:
            self._session.signals.failed.emit(str(error))

    def _create(self) -> None:
        images, folder = self.images.path, self.folder.path
        if images is None or folder is None or self.report is None:
            return
        try:
            channels = parse_channels(self._channels_read)
            self._session.create_project(
                folder, images, self.report, self.class_names(), pages=self._pages_read, channels=channels
            )
        except (WsssError, OSError) as error:
            self._session.signals.failed.emit(str(error))
            return
        self.report = None  # once is enough; a second project begins with its own report
        self._allow()
