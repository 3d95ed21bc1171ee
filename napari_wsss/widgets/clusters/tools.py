"""What can be done with the images selected in the gallery, as buttons and as a menu below the pointer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QMenu, QSpinBox, QWidget

from napari_wsss.pipeline.borrowing import NEIGHBOURS, neighbours
from napari_wsss.project.image_clusters import UNTOUCHED
from napari_wsss.session.session import Session
from napari_wsss.widgets.clusters.selection import ClusterSelection
from napari_wsss.widgets.controls.basic import WheelGuard, column, row, text_label, tool_button
from napari_wsss.widgets.controls.plain_text import as_text, without_keys
from napari_wsss.widgets.controls.stubs import certain, connect

Attempt = Callable[[Callable[[], object]], bool]


@dataclass(frozen=True)
class Tool:
    """One entry: its text, what it does, and why it is not possible now ("" when it is)."""

    text: str
    run: Callable[[], object]
    reason: str = ""


class ClusterTools(QWidget):
    """Buttons for the selected images of one class.

    Parameters
    ----------
    session : Session
    selection : ClusterSelection
    attempt : callable
        Runs a gesture and tells its failure.
    compare : callable
        Shows two images side by side.
    """

    def __init__(
        self,
        session: Session,
        selection: ClusterSelection,
        attempt: Attempt,
        compare: Callable[[str, str], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._selection, self._attempt, self._compare = session, selection, attempt, compare
        self._class_name = ""
        self._names: tuple[str, ...] = ()
        self.title = text_label()
        self.move_button = tool_button("Move to …", lambda: self._open_moves(), "Put them into another cluster")
        self.wrong = tool_button("Not this class", lambda: self._run("wrong"), "Take the image-level label from them")
        self.other = tool_button("Is …", lambda: self._open_classes(), "Label them with another class instead")
        self.split_off = tool_button("Split off", lambda: self._run("split_off"), "Make them a new cluster")
        self.compare = tool_button("Compare", lambda: self._run("compare"), "Two images side by side")
        self.borrow = tool_button("Propose for", lambda: self._run("borrow"))
        self.count = QSpinBox()
        self.count.setRange(1, 200)
        self.count.setValue(NEIGHBOURS)
        self.count.setSuffix(" like it")
        self.count.valueChanged.connect(lambda _value: self.refresh())
        self.count.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        WheelGuard.protect(self.count)
        self._buttons = {
            "wrong": self.wrong,
            "split_off": self.split_off,
            "compare": self.compare,
            "borrow": self.borrow,
        }
        self.setLayout(
            column(
                self.title,
                row(self.move_button, self.wrong, self.other, self.split_off, 1),
                row(self.compare, self.borrow, self.count, 1),
            )
        )
        selection.changed.connect(self.refresh)
        self.refresh()

    def show_class(self, class_name: str, cluster_names: Sequence[str]) -> None:
        """Work on a class with these clusters."""
        self._class_name, self._names = class_name, tuple(cluster_names)
        self.wrong.setText(f"Not {class_name}" if 0 < len(class_name) <= 12 else "Not this class")
        self.refresh()

    def refresh(self) -> None:
        """Bring the buttons after the selection."""
        count = len(self._selection)
        hint = "Click, drag around points, Shift or Ctrl adds" if not count else ""
        self.title.show_markup(f"<b>{count} selected</b> {hint}" if count else f"<b>Selected images</b> · {hint}")
        tools = self._tools()
        for name, control in self._buttons.items():
            control.setEnabled(not tools[name].reason)
            control.setToolTip(as_text(tools[name].reason or tools[name].text))
        for control in (self.move_button, self.other):
            control.setEnabled(not self._needs_some())

    def open_menu(self, where: QPoint) -> None:
        """Show everything that can be done with the selected images at a position on the screen."""
        menu = QMenu(self)
        self.fill(menu)
        menu.exec(where)

    def fill(self, menu: QMenu) -> None:
        """Put the entries into a menu; those that are not possible now are grey."""
        moves = certain(menu.addMenu("Move to"))
        self._fill_moves(moves)
        classes = certain(menu.addMenu("Is another class"))
        self._fill_classes(classes)
        for part in (moves, classes):
            part.setEnabled(not self._needs_some())
        for tool in self._tools().values():
            entry = certain(menu.addAction(without_keys(tool.text)))
            entry.setEnabled(not tool.reason)
            entry.setToolTip(as_text(tool.reason))
            connect(entry.triggered, lambda _checked=False, tool=tool: self._attempt(tool.run))

    def _open_moves(self) -> None:
        menu = QMenu(self)
        self._fill_moves(menu)
        menu.exec(self.move_button.mapToGlobal(QPoint(0, self.move_button.height())))

    def _fill_moves(self, menu: QMenu) -> None:
        for name in self._names:
            entry = certain(menu.addAction(without_keys(name)))
            connect(entry.triggered, lambda _checked=False, name=name: self._attempt(lambda: self._move(name)))

    def _open_classes(self) -> None:
        menu = QMenu(self)
        self._fill_classes(menu)
        menu.exec(self.other.mapToGlobal(QPoint(0, self.other.height())))

    def _fill_classes(self, menu: QMenu) -> None:
        project = self._session.project
        for name in project.classes.names if project is not None else ():
            if name != self._class_name:
                entry = certain(menu.addAction(without_keys(name)))
                connect(entry.triggered, lambda _checked=False, to=name: self._attempt(lambda: self._another_class(to)))

    def _run(self, name: str) -> None:
        self._attempt(self._tools()[name].run)

    # -- what they do -------------------------------------------------------------------------------------

    def _needs_some(self) -> str:
        project = self._session.project
        if project is None or project.read_only:
            return "the project is open read-only" if project is not None else "no project is open"
        return "" if len(self._selection) else "select images first"

    def _tools(self) -> dict[str, Tool]:
        ids, needs = self._selection.ids, self._needs_some()
        one = ids[0] if len(ids) == 1 else ""
        why_not = self._session.gallery.borrowing.why_not(one) if one else "select one corrected image"
        many = self.count.value()
        return {
            "wrong": Tool(f"Not {self._class_name}: remove the label", self._not_this_class, needs),
            "split_off": Tool("Split off into a new cluster", self._split_off, needs or self._why_no_split()),
            "compare": Tool("Compare side by side", self._compare_two, "" if len(ids) == 2 else "select two images"),
            "borrow": Tool(f"Propose its correction for {many} like it", self._borrow, needs or why_not),
        }

    def _move(self, name: str) -> None:
        self._session.gallery.move(self._selection.ids, self._class_name, name)

    def _not_this_class(self) -> None:
        ids = self._selection.ids
        self._session.gallery.not_this_class(ids, self._class_name)
        self._session.signals.notice.emit(
            f"{len(ids)} not {self._class_name} any more; Undo on this page brings the label back."
        )

    def _another_class(self, to: str) -> None:
        ids = self._selection.ids
        self._session.gallery.another_class(ids, self._class_name, to)
        self._session.signals.notice.emit(
            f"{len(ids)} {to} instead of {self._class_name}; Undo on this page takes it back."
        )

    def _cluster_of_all(self) -> str:
        """Return the cluster that holds all selected images, "" when they are in several."""
        ids = set(self._selection.ids)
        rows = self._session.gallery.rows(self._class_name)
        return next((row.name for row in rows if ids and ids <= set(row.members)), "")

    def _why_no_split(self) -> str:
        return "" if self._cluster_of_all() else "select images of one cluster"

    def _split_off(self) -> None:
        self._session.gallery.split(self._class_name, self._cluster_of_all(), self._selection.ids)

    def _compare_two(self) -> None:
        self._compare(*self._selection.ids)

    def _borrow(self) -> None:
        gallery, project = self._session.gallery, self._session.project
        found, source = gallery.of(self._class_name), self._selection.ids[0]
        if found is not None and project is not None:
            untouched = set(project.catalog.ids(states=UNTOUCHED))
            gallery.borrowing.propose(source, neighbours(found, source, self.count.value(), untouched))
