"""What is dropped on the window while the panel is there: a project is opened, photographs begin a new one.

Everything else (a picture of something else, a layer of another plugin) is napari's, as without us.
"""

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QWidget

from napari_wsss.session.dropped import Dropped, what_is
from napari_wsss.widgets.controls.stubs import certain

COMING = (QEvent.Type.DragEnter, QEvent.Type.DragMove)


class Dropping(QObject):
    """Takes drops on a window's widgets before they do.

    Parameters
    ----------
    taken : callable
        Gets what was dropped, where it is ours.
    wanted : callable
        Tells of what may be anything whether it belongs to what is open.
    parent : QObject
    """

    def __init__(self, taken: Callable[[Dropped], object], wanted: Callable[[Dropped], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._taken, self._wanted = taken, wanted
        self._ended = False
        self._known: tuple[list[Path], Dropped | None] = [], None  # a drag asks at every move of the mouse

    def watch(self, window: QWidget) -> None:
        """Watch every widget of a window that takes drops, the canvas among them."""
        for widget in (window, *window.findChildren(QWidget)):
            if widget.acceptDrops():
                widget.installEventFilter(self)

    def end(self) -> None:
        """Leave all drops to napari."""
        self._ended = True  # Qt forgets the filters with this object; some of the widgets may be gone already

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take a drop that is ours."""
        kind = certain(event).type()
        if self._ended or kind not in (*COMING, QEvent.Type.Drop) or not isinstance(event, QDropEvent):
            return False
        paths = paths_of(event)
        if paths != self._known[0]:
            found = what_is(paths)
            is_ours = found is not None and (found.kind != "unsure" or self._wanted(found))
            self._known = paths, found if is_ours else None
        found = self._known[1]
        if found is None:
            return False
        event.acceptProposedAction()
        if kind == QEvent.Type.Drop:
            self._taken(found)
        return True


def paths_of(event: QDropEvent) -> list[Path]:
    """Return the local files and folders that are dragged."""
    urls = certain(event.mimeData()).urls()
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
