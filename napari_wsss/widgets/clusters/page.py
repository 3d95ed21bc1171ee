"""The Clusters page: sub-categories of each class, found by features, as rows of thumbnails and as points.

What a person can do with it: find clusters; choose the class; rename a cluster by typing; review it, refine it with
parameters of its own, split it, merge picked ones, accept its sure proposals; select images in thumbnails or points
(click, Shift or Ctrl, drag around points) and move them, say that they are not of this class, make them a cluster,
compare two, propose one's correction for those like it; take everything back, step by step.
"""

from collections.abc import Callable

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QSpinBox, QVBoxLayout, QWidget

from napari_wsss.core.errors import LabelError
from napari_wsss.core.plural import counted
from napari_wsss.pipeline.borrowing import BorrowReport
from napari_wsss.session.gallery.gallery import GalleryRow
from napari_wsss.session.jobs import describe
from napari_wsss.session.session import Session
from napari_wsss.session.signals import FAILURES
from napari_wsss.widgets.clusters.compare import ComparePair
from napari_wsss.widgets.clusters.row import ClusterRow
from napari_wsss.widgets.clusters.scatter import ClusterScatter
from napari_wsss.widgets.clusters.selection import ClusterSelection
from napari_wsss.widgets.clusters.tools import ClusterTools
from napari_wsss.widgets.controls.basic import (
    WheelGuard,
    button,
    choose,
    column,
    combo,
    row,
    single_shot,
    text_label,
    tool_button,
)
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.layers.viewer_sync import ViewerSync

SETTLING_MS = 150
WIDTH_OF_COUNT = 120
NOTHING = (
    "No clusters yet. They group the images of each class by what the applied model sees in them, so that alike images "
    "can be reviewed together."
)


class ClustersPage(QWidget):
    """Rows, points and tools of one class.

    Attributes
    ----------
    page_wanted : Signal(str, str)
        Another page should come to the front: its name, and the scope of parameters to choose there ("" for none).
    """

    page_wanted = Signal(str, str)

    def __init__(self, session: Session, sync: ViewerSync, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._sync, self._actions = session, sync, actions
        self.selection = ClusterSelection(self)
        self.class_box = combo([], lambda _name: self._choose_class())
        self.count = QSpinBox()
        self.count.setRange(1, 50)
        self.count.setValue(4)
        self.count.setSuffix(" each")
        self.count.setToolTip("How many clusters each class is split into")
        self.count.setMinimumWidth(WIDTH_OF_COUNT)
        self.count.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        WheelGuard.protect(self.count)
        self.find_button = button(
            "Find clusters", self._find, "Group the images by the features of the applied localizer"
        )
        self.undo = tool_button("Undo", lambda: self._attempt(session.gallery.undo))
        self.merge = tool_button("Merge", self._merge, "Make the picked clusters one; it keeps the largest one's name")
        self.remark = text_label(quiet=True)
        self.borrowed = button("Review them", self._review_borrowed)
        self.borrowed.hide()
        self.scatter = ClusterScatter(session, self.selection)
        self.tools = ClusterTools(session, self.selection, self._attempt, self._compare)
        self.pair = ComparePair(session)
        self.rows: list[ClusterRow] = []
        self._rows_box = QVBoxLayout()
        self._rows_box.setSpacing(2)
        self._later = single_shot(self, SETTLING_MS, self._refresh_if_seen)
        self._source = ""
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        rows = QWidget()
        rows.setLayout(self._rows_box)
        self._rows_box.setContentsMargins(0, 0, 0, 0)
        chosen = row(self.class_box, self.merge, self.undo)
        chosen.setStretch(0, 1)
        remarks = row(self.remark, self.borrowed)
        parts = (row(self.count, self.find_button, 1), chosen, remarks, self.scatter, self.tools, self.pair, rows, 1)
        self.setLayout(column(*parts, margin=4))

    def _connect(self) -> None:
        session = self._session
        listen(
            self,
            (session.gallery.changed, self._on_change),
            (session.gallery.batch.done, self._on_change),
            (session.gallery.borrowing.done, self._on_borrowed),
            (session.signals.state_changed, self._on_change),
            (session.signals.maps_ready, self._on_change),
            (session.signals.project_opened, self._on_project),
            (session.signals.project_closed, self._on_project),
            (session.jobs.changed, self._show_find),
        )
        for part in (self.scatter, self.pair):
            part.opened.connect(self._open)
        self.scatter.menu_wanted.connect(self.tools.open_menu)

    # -- showing ------------------------------------------------------------------------------------------

    def _on_change(self, *_said: object) -> None:
        self._later.start()

    def _on_project(self) -> None:
        self.borrowed.hide()
        self.pair.hide()
        self.selection.take([])
        self._on_change()

    def _refresh_if_seen(self) -> None:
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Bring the page up to date when it comes to the front."""
        super().showEvent(event)
        self.refresh()

    @property
    def class_name(self) -> str:
        """The class that is shown, "" for none."""
        return str(self.class_box.currentData() or "")

    def refresh(self) -> None:
        """Show the clusters as they are now."""
        self._fill_classes()
        gallery, name = self._session.gallery, self.class_name
        found = gallery.of(name)
        shown = gallery.rows(name)
        self.selection.keep(set(found.image_ids) if found is not None else ())
        for part in (self.scatter, self.tools):
            part.setVisible(bool(shown))
        self.scatter.show_class(found)
        self.tools.show_class(name, [one.name for one in shown])
        self._show_rows(shown)
        text = gallery.undo_text
        self.undo.setEnabled(bool(text))
        self.undo.setToolTip(as_text(f"Take back: {text}" if text else "Nothing to take back"))
        for part in (self.merge, self.undo):
            part.setVisible(bool(shown) or bool(text))
        self._on_pick()
        self._show_find()

    def _fill_classes(self) -> None:
        """List the classes that have clusters; the shown image's first one is shown at first."""
        session, before = self._session, self.class_name
        clusters = session.gallery.clusters
        filled = [one.name for one in clusters.classes if one.image_ids] if clusters is not None else []
        self.class_box.clear()
        for name in filled:
            self.class_box.addItem(name, name)
        self.class_box.setVisible(bool(filled))
        labels = session.table.record.labels if session.table is not None else ()
        choose(self.class_box, before if before in filled else next((name for name in filled if name in labels), ""))

    def _show_rows(self, shown: tuple[GalleryRow, ...]) -> None:
        while len(self.rows) > len(shown):
            gone = self.rows.pop()
            gone.setParent(None)
            gone.deleteLater()
        for made, one in zip(self.rows, shown, strict=False):
            if made.shown.full_name != one.full_name:
                made.pick.setChecked(False)
            made.show_row(one)
        for one in shown[len(self.rows) :]:
            self._add_row(one)

    def _add_row(self, shown: GalleryRow) -> None:
        made = ClusterRow(self._session, self.selection, shown)
        made.renamed.connect(lambda name, made=made: self._rename(made.shown, name))
        made.acted.connect(lambda action, made=made: self._act(action, made.shown))
        made.picked.connect(self._on_pick)
        made.strip.opened.connect(self._open)
        made.strip.menu_wanted.connect(self.tools.open_menu)
        self.rows.append(made)
        self._rows_box.addWidget(made)

    def _show_find(self) -> None:
        gallery, project = self._session.gallery, self._session.project
        self.find_button.setEnabled(project is not None and not project.read_only and not gallery.finding)
        self.find_button.setText("Finding …" if gallery.finding else "Find clusters")
        clusters = gallery.clusters
        if clusters is None:
            self.remark.setText(NOTHING if project is not None else "No project is open.")
        elif not self.borrowed.isVisibleTo(self):
            facts = ", ".join(f"{name} {value}" for name, value in clusters.facts.items())
            self.remark.setText(facts[:1].upper() + facts[1:])

    # -- acting -------------------------------------------------------------------------------------------

    def _attempt(self, gesture: Callable[[], object]) -> bool:
        """Run a gesture after unsaved strokes are handed over; tell what went wrong."""
        self._sync.commit()
        try:
            gesture()
        except LabelError as refusal:
            self._session.signals.notice.emit(str(refusal))
        except FAILURES as error:
            self._session.signals.failed.emit(describe(error))
        else:
            self.refresh()
            return True
        self.refresh()
        return False

    def _choose_class(self) -> None:
        self.selection.take([])
        self.pair.hide()
        self.refresh()

    def _find(self) -> None:
        self._attempt(lambda: self._session.gallery.find(self.count.value()))

    def _rename(self, shown: GalleryRow, name: str) -> None:
        self._attempt(lambda: self._session.gallery.rename(shown.class_name, shown.name, name))

    def _on_pick(self) -> None:
        self.merge.setEnabled(sum(made.pick.isChecked() for made in self.rows) > 1)

    def _merge(self) -> None:
        picked = [made.shown.name for made in self.rows if made.pick.isChecked()]
        for made in self.rows:
            made.pick.setChecked(False)
        self._attempt(lambda: self._session.gallery.merge(self.class_name, picked))

    def _act(self, action: str, shown: GalleryRow) -> None:
        if action == "split":
            self._attempt(lambda: self._session.gallery.split(shown.class_name, shown.name))
        elif action == "review":
            self._review(f'cluster:"{shown.full_name}"')
        elif action == "parameters":
            if self._session.shown_id not in shown.members:
                self._actions.go_to(shown.members[0])
            self.page_wanted.emit("Refine", f"cluster:{shown.full_name}")

    def _review(self, search: str) -> None:
        """Show only what a search finds in the queue, begin with its first image, and go to the Review page."""
        session = self._session
        self._sync.commit()
        if not session.navigation.set_search(search):
            return
        queue = session.navigation.queue
        if queue.position(session.shown_id) is None and len(queue):
            session.navigation.next_undecided()
        self.page_wanted.emit("Review", "")

    def _open(self, image_id: str) -> None:
        self._actions.go_to(image_id)

    def _compare(self, first: str, second: str) -> None:
        self.pair.show_pair(self.class_name, first, second)

    def _on_borrowed(self, report: BorrowReport) -> None:
        self._source = report.source
        self.remark.setText(f"{counted(len(report.done), 'image has', 'images have')} a proposal from {report.source}.")
        self.borrowed.setVisible(bool(report.done))
        self._on_change()

    def _review_borrowed(self) -> None:
        self.borrowed.hide()
        self._review(f'from:"{self._source}"')
