"""The Project page: open or make a project, see its classes, device and cache.

What a person can do with it: open a project or continue a recent one, make one from a folder of images after reading
the label report, import labels, masks and maps of other tools, rename and add classes, say whether there is a
background, choose the device, choose how pictures of more than 8 bits are scaled and which channels make them, empty
the cache of results.
"""

from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFileDialog, QListWidget, QListWidgetItem, QWidget

from napari_wsss.core.errors import ProjectError, WsssError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pixels.decoding.channels import as_text as as_text_of
from napari_wsss.pixels.decoding.deep_images import USUAL
from napari_wsss.session.dropped import Dropped
from napari_wsss.session.imports import What
from napari_wsss.session.jobs import Job
from napari_wsss.session.runs.questions import describe_device
from napari_wsss.session.session import Session
from napari_wsss.widgets import preferences
from napari_wsss.widgets.controls.basic import button, choose, column, combo, folded, heading, line, row, text_label
from napari_wsss.widgets.controls.elided import MIDDLE, ElidedLabel
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.live_slider import number_field
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.project.class_table import ClassTable
from napari_wsss.widgets.project.every_pixel import EveryPixel
from napari_wsss.widgets.project.import_form import ImportForm, LayerValues
from napari_wsss.widgets.project.new_pictures import NewPictures
from napari_wsss.widgets.project.new_project import CHANNELS_TIP, NewProject, channel_field
from napari_wsss.widgets.project.sample import cache_folder, sample_project

FOLDER = Qt.ItemDataRole.UserRole
START = (
    "No project is open.\nDrop a folder of photographs, or a table of labels beside them, anywhere on the window; or a "
    "project."
)
DEVICES = (("auto", "automatic"), ("cpu", "CPU"), ("cuda", "CUDA"), ("mps", "MPS"))


class ProjectPage(QWidget):
    """Projects, classes, device and cache.

    Parameters
    ----------
    session : Session
    chosen_layer : callable, optional
        See `ImportForm`.

    Attributes
    ----------
    offered : Signal()
        A project that another program holds may be opened read-only, on this page.
    """

    offered = Signal()

    def __init__(
        self, session: Session, chosen_layer: LayerValues | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._device_asked = False
        self._locked = Path()
        self.where = text_label()
        self.folder, self.pictures = ElidedLabel(mode=MIDDLE, quiet=True), ElidedLabel(mode=MIDDLE, quiet=True)
        self.sample = button("Sample", self._open_sample, "Generates 150 pictures with labels, and a project on them")
        self.of_project = QWidget()
        self.locked_text = text_label()
        self.locked = QWidget()
        look = button("Open read-only", lambda: self.open_read_only(self._locked), "Look at it; nothing is changed")
        self.take_over = button("Take it over", self._take_over, "Nobody else has it open: open it for changes")
        leave = button("Do not open", self.locked.hide)
        self.locked.setLayout(column(self.locked_text, row(look, self.take_over, leave, 1)))
        self.locked.hide()
        self.recent_heading = heading("Recent projects")
        self.recent = QListWidget()
        self.recent.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.recent.setMaximumHeight(90)
        self.recent.setToolTip("Double-click opens a project at the image where you left it")
        # Not at the first click: the second would fall on what is shown then, the queue.
        self.recent.itemDoubleClicked.connect(lambda item: self.open(item.data(FOLDER)))
        self.new = NewProject(session)
        self.imports = ImportForm(session, chosen_layer)
        self.imports_folded = folded("Import labels, masks or maps", self.imports)
        self.new_folded = folded("New project from a folder of images", self.new)
        self.new_pictures = NewPictures(session)
        self.classes = ClassTable(session)
        self.every_pixel = EveryPixel(session)
        self.device = combo(DEVICES, self._choose_device)
        self.device_text = text_label(quiet=True)
        self.cache = text_label(quiet=True)
        self.darkest, self.brightest = number_field(0.0, 50.0), number_field(50.0, 100.0)
        self.scale = button(
            "Scale", self._scale, "Pictures of more than 8 bits: these percentiles become black and white"
        )
        self.channels = channel_field()
        self.choose_channels = button("Show", self._choose_channels, f"{CHANNELS_TIP} The project opens anew.")
        self._lay_out()
        listen(
            self,
            (session.signals.project_opened, self.refresh),
            (session.signals.project_closed, self.refresh),
            (session.signals.classes_changed, self._refresh_classes),
            (session.signals.labels_changed, self._refresh_classes),
        )
        self.refresh()
        self.show_device()

    def _lay_out(self) -> None:
        cache = row(self.cache, button("Empty cache", self._empty_cache, "Deletes computed maps and proposals"))
        cache.setStretch(0, 1)  # the sentence takes what the button leaves
        self.of_project.setLayout(
            column(
                self.imports_folded,
                self.new_pictures,
                line(),
                heading("Classes"),
                self.classes,
                self.every_pixel,
                line(),
                text_label("Pictures of more than 8 bits: per cent of the pixels that become black, white"),
                row(self.darkest, self.brightest, self.scale, 1),
                row(text_label("Channels", wrap=False, tip=CHANNELS_TIP), self.channels, self.choose_channels),
                cache,
            )
        )
        self.close_button = button("Close", self._session.close_project, "Save and close this project")
        self.setLayout(
            column(
                self.where,
                self.folder,
                self.pictures,
                self.locked,
                row(
                    button("Open project …", self._browse, "A project folder"),
                    button("New …", self.begin_new, "Make a project from a folder of images"),
                    self.sample,
                    self.close_button,
                ),
                self.recent_heading,
                self.recent,
                line(),
                self.new_folded,
                self.of_project,
                line(),
                row(text_label("Device", wrap=False), self.device),
                self.device_text,
                1,
                margin=4,
            )
        )

    def refresh(self) -> None:
        """Show another project."""
        self.locked.hide()
        project = self._session.project
        if project is None:
            self.where.setText(START)
        else:
            mode = "  (read-only)" if project.read_only else ""
            self.where.setText(f"{project.folder.name}{mode}")
            self.folder.setText(str(project.folder))
            self.pictures.setText(f"images: {project.images_root}")
        for part in (self.folder, self.pictures, self.of_project):
            part.setVisible(project is not None)
        self.close_button.setVisible(project is not None)
        self.sample.setVisible(project is None)
        self._show_recent()
        self.classes.refresh()
        self._show_cache()
        self._show_scaling()

    def _show_recent(self) -> None:
        known_projects = self._session.recent_projects()
        self.recent.setVisible(bool(known_projects))
        self.recent_heading.setVisible(bool(known_projects))
        self.recent.clear()
        for known in known_projects:
            item = QListWidgetItem(known.folder.name, self.recent)
            item.setData(FOLDER, known.folder)
            item.setToolTip(as_text(str(known.folder)))

    def _refresh_classes(self, _image_id: str = "") -> None:
        self.classes.refresh()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Ask once which device computes."""
        self._show_cache()
        self._show_recent()
        if not self._device_asked:
            self._device_asked = True
            self.device_text.setText("looking for the device …")
            job = Job("device", describe_device, lane="questions", quiet=True)
            listen(
                self,
                (job.succeeded, self._show_device),
                (job.failed, lambda message: self.device_text.setText(message)),
                until=job.ended,
            )
            self._session.jobs.submit(job)

    def _show_device(self, text: str) -> None:
        self._session.settings.device_found = text
        self.device_text.setText(f"automatic: {text}")

    # Opening

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open a project folder")
        if chosen:
            self.open(Path(chosen))

    def begin_with(self, found: Dropped) -> None:
        """Unfold the form with a folder of photographs or a label table, and read its report."""
        if found.kind == "masks":
            self._session.signals.failed.emit(f"Open the project first that {found.path.name} belongs to.")
            return
        self.new_folded.expand(animate=False)
        if found.kind == "labels":
            self.new.open_labels(found.path)
        else:
            self.new.open_images(found.path)

    def _open_sample(self) -> None:
        def make() -> Steps[Path]:
            yield Progress("sample", 0, 0, "generating pictures")
            return sample_project(cache_folder())

        job = Job("sample project", make, key="sample", lane="sample")
        listen(self, (job.succeeded, self.open), (job.failed, self._session.signals.failed.emit), until=job.ended)
        self._session.jobs.submit(job)

    def begin_new(self) -> None:
        """Unfold the form and ask for a folder of images."""
        self.new_folded.expand(animate=False)
        chosen = QFileDialog.getExistingDirectory(self, "Folder of images")
        if chosen:
            self.new.open_images(Path(chosen))

    def begin_import(self, what: What, source: Path) -> None:
        """Unfold the form with labels, masks or maps of another tool, and read what is there."""
        self.imports_folded.expand(animate=False)
        self.imports.open_source(what, source)

    def open(self, folder: Path) -> None:
        """Open a project; where another program holds it, offer to look at it read-only."""
        try:
            self._session.open_project(folder)
        except ProjectError as error:
            if error.read_only_possible:
                self.take_over.setVisible(error.take_over_possible)
                self._offer_read_only(folder, str(error))
            else:
                self._session.signals.failed.emit(str(error))
        except (WsssError, OSError) as error:
            self._session.signals.failed.emit(str(error))

    def open_read_only(self, folder: Path) -> None:
        """Open a project to look at it only."""
        try:
            self._session.open_project(folder, read_only=True)
        except (WsssError, OSError) as error:
            self._session.signals.failed.emit(str(error))

    def _take_over(self) -> None:
        try:
            self._session.open_project(self._locked, take_over=True)
        except (WsssError, OSError) as error:
            self._session.signals.failed.emit(str(error))

    def _offer_read_only(self, folder: Path, reason: str) -> None:
        self._locked = folder
        self.locked_text.setText(reason)
        self.locked.show()
        self.offered.emit()

    # Device and cache

    def show_device(self) -> None:
        """Show the device the session computes on."""
        choose(self.device, self._session.settings.device)

    def _choose_device(self, device: str) -> None:
        self._session.settings.device = device
        preferences.keep("computing", "device", device)

    def _show_scaling(self) -> None:
        project = self._session.project
        for field, value in zip(
            (self.darkest, self.brightest), project.deep_percentiles if project else USUAL, strict=True
        ):
            field.setValue(value)
        self.channels.setText(as_text_of(project.channels) if project else "")
        for made in (self.scale, self.choose_channels):
            made.setEnabled(project is not None and not project.read_only)

    def _scale(self) -> None:
        self._session.scale_deep(self.darkest.value(), self.brightest.value())

    def _choose_channels(self) -> None:
        self._session.choose_channels(self.channels.text())

    def _show_cache(self) -> None:
        project = self._session.project
        size = project.store.size_bytes() if project is not None and self.isVisible() else 0
        self.cache.setText(f"Results on disk: {size / 2**20:.1f} MiB" if project is not None else "")

    def _empty_cache(self) -> None:
        project = self._session.project
        if project is not None and not project.read_only:
            self._session.inference.cancel()
            project.store.clear()
            self._show_cache()
