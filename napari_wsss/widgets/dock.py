"""The WSSS dock: a head and a foot that keep their place, the pages between them, wired to one session.

What a person can do with it is written at each page (`project_page`, `review_page`, `refine_page`, `train_page`); this
module only connects them with the viewer.
"""

from pathlib import Path

import napari
import numpy as np
from napari.layers import Labels
from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QApplication, QMainWindow, QVBoxLayout, QWidget

from napari_wsss.processes.garbage import leave_out
from napari_wsss.project.states import UNDECIDED
from napari_wsss.session.dropped import Dropped
from napari_wsss.session.next_step import NextStep
from napari_wsss.session.session import Session
from napari_wsss.widgets.closing import may_close
from napari_wsss.widgets.compact import Compact
from napari_wsss.widgets.controls.basic import single_shot, soon
from napari_wsss.widgets.controls.colours import ACCENT
from napari_wsss.widgets.controls.listening import let_go, listen
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.dropping import Dropping
from napari_wsss.widgets.empty_canvas import EmptyCanvas, canvas_in
from napari_wsss.widgets.footer import Footer
from napari_wsss.widgets.header import Header
from napari_wsss.widgets.hint_line import HintLine
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.keys.by_place import KeysByPlace
from napari_wsss.widgets.keys.help import KeyHelp
from napari_wsss.widgets.keys.table import Keyboard
from napari_wsss.widgets.layers.viewer_sync import ViewerSync
from napari_wsss.widgets.mismatch_line import MismatchLine
from napari_wsss.widgets.pages import Pages
from napari_wsss.widgets.personal import PersonalChoices
from napari_wsss.widgets.preferences import PLUGIN, folds_left, toast_after
from napari_wsss.widgets.relay import QtRelay
from napari_wsss.widgets.review.grid_view import GridView
from napari_wsss.widgets.review.side_view import SideView

DOCK_NAME = f"WSSS ({PLUGIN})"  # what napari's plugin menu calls it, so that the menu finds this very dock
STRIP = "Filmstrip"
STRIP_NAME = f"{STRIP} ({PLUGIN})"
NO_STRIP = f"The filmstrip needs the plugin {PLUGIN} in napari: install it, or switch it on in Plugins > Manage."
FIT_AFTER_MS = 100
"""The canvas has its new size by then."""
SWAP_SECONDS = 0.12
"""What it takes to put another image on the table and to draw it; jobs begin nothing meanwhile."""
BOXES = (
    "QCheckBox::indicator, QListView::indicator { border: 1px solid #7d838c; }"
    f"QListView::indicator:checked {{ background: {ACCENT}; image: url(theme_dark:/check.svg); }}"
)
"""napari draws boxes to tick without a border, hardly to be told from what is around them; ticked or not, they keep
their size, so that captions below one another begin at the same place. Of a list whose boxes have a border here, Qt
draws no tick by itself."""
PAGE_OF = {
    "new": "Project",
    "create": "Project",
    "label": "Review",
    "train": "Train",
    "weights": "Train",
    "apply": "Review",
    "review": "Review",
    "retrain": "Train",
    "export": "Export",
}
"""Verb of a next step -> page where it is done."""


class WsssDock(QWidget):
    """The panel of one viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        Given by napari.
    session : Session, optional
        A sitting to show; its own otherwise.
    """

    def __init__(self, viewer: napari.viewer.Viewer, session: Session | None = None) -> None:
        super().__init__()
        self._window: QMainWindow | None = None
        self._open = self._closing = False
        # napari hands plugins a proxy; only public names are used, but layers are told apart by identity.
        self.viewer: napari.Viewer = getattr(viewer, "__wrapped__", viewer)
        self.relay = QtRelay(self)
        self.session = session or Session()
        self.session.jobs.dispatch, self.session.jobs.way = self.relay, SWAP_SECONDS
        self.sync = ViewerSync(self.viewer, self.session, self)
        self.actions_ = Actions(self.session, self.sync, self)
        self.keyboard = Keyboard(self.viewer, self.actions_)
        self.key_help = KeyHelp(self.actions_, self.session.own_keys, self)
        self._open = True
        self._dropping = Dropping(self.take_dropped, self._is_wanted, self)
        self._by_place = KeysByPlace(self)
        self._compact: Compact | None = None
        self.empty: EmptyCanvas | None = None
        self.grid: GridView | None = None
        self.beside: SideView | None = None
        self._build()
        self.personal = PersonalChoices(self.session, self.sync, self.actions_, self.tabs)
        self._connect()

    def _build(self) -> None:
        self.header = Header(self.session, self.actions_)
        self.footer = Footer(self.session, self.actions_)
        self.job_bar = self.header.job_bar
        self.hint_line = HintLine(self.session.hint, lambda: self.tabs.bring("Train"))
        self.mismatch_line = MismatchLine(self.session.mismatch)
        self.tabs = Pages(self.session, self.sync, self.actions_, self._chosen_layer)
        self.setStyleSheet(BOXES)
        layout = QVBoxLayout()
        layout.setContentsMargins(4, 2, 4, 2)
        layout.setSpacing(3)
        for part in (
            self.header,
            self.tabs,
            self.key_help,
            self.hint_line,
            self.mismatch_line,
            self.footer,
        ):
            layout.addWidget(part)
        for part in (self.tabs, self.key_help):
            layout.setStretchFactor(part, 1)
        self.setLayout(layout)

    def _connect(self) -> None:
        session = self.session
        listen(
            self,
            (session.signals.failed, self._on_failed),
            (session.signals.project_opened, self._on_opened),
            (session.signals.image_changed, self._bind_layers),
            (session.signals.labels_changed, self._bind_layers),
            (session.training.ended, self._on_training_ended),
            # Loading is over then: the window's parts are there, and what jobs work with.
            (session.signals.project_opened, lambda: leave_out("project")),
            (session.jobs.ended, lambda job: leave_out(f"job of {job.lane}")),
        )
        self.sync.notice.connect(self.header.say)
        self.sync.layers_changed.connect(self._bind_layers)
        self.actions_.notice.connect(self.header.say)
        self.actions_.table_changed.connect(self.keyboard.rebind)
        self.actions_.help_wanted.connect(self.key_help.toggle)
        self.key_help.toggled.connect(lambda shown: self.tabs.setVisible(not shown))
        self.job_bar.finished.connect(self._on_job_finished)
        self.header.next_line.wanted.connect(self._take_step)
        self.tabs.strip_wanted.connect(self._toggle_filmstrip)
        self.tabs.currentChanged.connect(lambda _page: self.sync.flush())
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.shut_down)
        self._bind_layers()

    # Signals

    def _bind_layers(self, _image_id: str = "") -> None:
        self.keyboard.bind_layers(self.sync.layers)

    def _on_opened(self) -> None:
        self.tabs.bring("Review")
        _ = self.tabs.review  # keys open its popups, also while the panel is covered by another
        self._keep_room()

    def _keep_room(self) -> None:
        if self._compact is not None and folds_left():
            self._compact.keep_room()

    def _fold(self) -> None:
        if self._compact is not None:
            self._compact.toggle()
            self.fit_soon()

    def fit_soon(self) -> None:
        """Show the whole image once the canvas has the room that docks beside it leave."""
        if self._compact is not None:
            self._fit.start()

    def _take_step(self, step: NextStep) -> None:
        """Do what the next step's button stands for, on the page where it is done.

        From another page *Next* only shows the image that waits already; nobody has looked at it yet.
        """
        table = self.session.shown_table
        waits = self.tabs.front_name != "Review" and table is not None and table.record.state in UNDECIDED
        self.tabs.bring(PAGE_OF[step.verb])
        if step.verb == "new":
            self.tabs.project.begin_new()
        elif step.verb == "create":
            self.tabs.project.new.create_button.click()
        elif step.verb == "label":
            self.actions_.run("edit_labels")
        elif step.verb == "train":
            self.tabs.train.recommended.click()
        elif step.verb == "weights":
            self.tabs.train.weights.file.click()
        elif step.verb == "apply" and step.run is not None:
            self.session.models.apply(step.run)
        elif step.verb == "review" and not waits:
            self.actions_.run("next_undecided")

    def _on_failed(self, message: str) -> None:
        self.header.say(message)
        show_warning(as_text(message))

    def _on_job_finished(self, name: str, outcome: str, seconds: float) -> None:
        self.header.say(f"{name}: {outcome}")
        if outcome == "done" and seconds > toast_after():
            self._say_done(name)

    def _on_training_ended(self, code: int, _folder: object, message: str) -> None:
        if code in (0, 3):
            self._say_done(f"training: {message}")
        else:
            self._on_failed(f"Training ended: {message}")

    def _say_done(self, what: str) -> None:
        """Toast a finished job, but only where the person cannot see it in the panel."""
        if not self.isVisible() or not self.isActiveWindow():
            show_info(as_text(f"WSSS: {what}"))

    def _toggle_filmstrip(self) -> None:
        """Have napari open the filmstrip, as its plugin menu does; show or hide it where it is open."""
        window = self.viewer.window
        is_open = any(name == STRIP_NAME for name in window.dock_widgets)
        try:
            strip, _ = window.add_plugin_dock_widget(PLUGIN, STRIP)
        except KeyError:
            self.header.say(NO_STRIP)
            return
        if is_open:
            strip.setVisible(not strip.isVisible())
        self.fit_soon()

    # Layers of others

    def _chosen_layer(self) -> tuple[str, object] | None:
        """Return name and values of the chosen Labels layer, None where there is none or it is one of ours."""
        layer = self.viewer.layers.selection.active
        if not isinstance(layer, Labels) or layer in self.sync.layers:
            return None
        return layer.name, np.asarray(layer.data)

    # Opening

    def open_project(self, folder: Path, read_only: bool = False) -> None:
        """Open a project folder in this dock; failures are shown, not raised."""
        if read_only:
            self.tabs.project.open_read_only(folder)
        else:
            self.tabs.project.open(folder)

    def _is_wanted(self, found: Dropped) -> bool:
        return self.session.imports.what_of(found) is not None

    def take_dropped(self, found: Dropped) -> None:
        """Open the project that was dropped; begin an import into the open one, or a new one with photographs."""
        if found.kind == "project":
            self.open_project(found.path)
            return
        self.tabs.bring("Project")
        what = self.session.imports.what_of(found)
        if what is None:
            self.tabs.project.begin_with(found)
        else:
            self.tabs.project.begin_import(what, found.path)

    # Closing

    def event(self, event: QEvent | None) -> bool:
        """Notice when the dock is taken out of its window: then it is closed for good."""
        if certain(event).type() == QEvent.Type.ParentChange and self.parent() is None and self._window is not None:
            self.shut_down()
        return super().event(event)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Watch the main window, so that closing it can wait for the last stroke."""
        window = self.window()
        if self._window is None and isinstance(window, QMainWindow):
            self._window = window
            window.installEventFilter(self)
            self._dropping.watch(window)
            self._by_place.watch(window)
            self._compact = Compact(window, self)
            self._fit = single_shot(self, FIT_AFTER_MS, self.sync.show_whole)
            self._compact.folded.connect(self._fit.start)
            self.header.fold_wanted.connect(self._fold)
            self._lay_over_canvas(window)
            if not self.viewer.layers:  # napari's left side has nothing to choose from before there is a layer
                self._keep_room()

    def _lay_over_canvas(self, window: QMainWindow) -> None:
        """Lay the next step over the empty canvas; and hidden, until they are asked for, grid and pair of pictures."""
        centre = window.centralWidget()
        if centre is not None:
            self.empty = EmptyCanvas(self.session, self.viewer.layers, canvas_in(centre))
            self.empty.next_line.wanted.connect(self._take_step)
            self.grid = GridView(self.session, centre)
            self.grid.opened.connect(self.actions_.go_to)
            self.actions_.grid_wanted.connect(self.grid.toggle)
            self.beside = SideView(self.session, self.actions_, centre)
            self.actions_.beside_wanted.connect(self.beside.toggle)
            self.header.grid_wanted.connect(lambda: self.actions_.run("grid"))

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Write what is unsaved when the dock disappears behind another."""
        if self._open:
            self.sync.flush()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Before the main window closes: save, ask about a running training; in another size show the whole image."""
        if self._open and watched is self._window:
            event = certain(event)
            if event.type() == QEvent.Type.Close:
                self.sync.flush()
                if not may_close(self.session, self):
                    event.ignore()
                    return True
                # napari may still refuse (its own question): only a window that disappears now ends the sitting.
                self._closing = True
                soon(self, self._end_if_closed)
            elif event.type() == QEvent.Type.Hide and self._closing:
                self.shut_down()
            elif event.type() == QEvent.Type.Resize and self._shows_whole:
                self._fit.start()
        return False

    @property
    def _shows_whole(self) -> bool:
        """Whether the whole image is shown, as it should be then in a window of another size, too."""
        return self.session.shown_table is not None and self.sync.camera.zoom == self.sync.whole_zoom

    def _end_if_closed(self) -> None:
        self._closing = False
        if self._window is not None and not self._window.isVisible():
            self.shut_down()

    def shut_down(self) -> None:
        """Save, close the project (a training run goes on) and let go of viewer and keys; harmless when repeated."""
        if not self._open:
            return
        self._open = False
        if self._window is not None:
            self._window.removeEventFilter(self)
            self._dropping.end()
            self._by_place.end()
            self._window = None
        if self._compact is not None:
            self._compact.end()
        for over in (self.grid, self.beside, self.empty):
            if over is not None:
                over.end()
        self.grid = self.beside = self.empty = None
        self.key_help.close()
        self.sync.close()
        self.keyboard.close()
        let_go(self)
        self.session.close_project(discard_unsaved=True)
        self.relay.close()


def dock_of(viewer: napari.Viewer) -> WsssDock | None:
    """Return the viewer's dock, None when there is none."""
    return next((widget for widget in viewer.window.dock_widgets.values() if isinstance(widget, WsssDock)), None)


def open_dock(viewer: napari.Viewer) -> WsssDock:
    """Return the viewer's dock, made and docked on the right where there was none."""
    dock = dock_of(viewer)
    if dock is None:
        dock = WsssDock(viewer)
        viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    return dock


def open_window(project: Path) -> None:
    """Show napari with the dock on a project; return when the window was closed."""
    open_dock(napari.Viewer(title="napari-wsss")).open_project(project)
    napari.run()
