"""The filmstrip's own dock: at the bottom of the window, in one place with the console where that is open.

napari opens it, from its plugin menu or for the panel's button; it belongs to the WSSS panel of the window, which is
opened when it is not there.
"""

import napari
from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QDockWidget, QMainWindow, QSizePolicy, QVBoxLayout, QWidget

from napari_wsss.widgets.controls.basic import soon
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.dock import WsssDock, open_dock
from napari_wsss.widgets.review.filmstrip import USUAL_HEIGHT, Filmstrip

CONSOLE = "console"


class FilmstripDock(QWidget):
    """A dock with the filmstrip of the viewer's panel.

    Parameters
    ----------
    viewer : napari.Viewer
        Given by napari.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer: napari.Viewer = getattr(viewer, "__wrapped__", viewer)
        self.strip: Filmstrip | None = None
        self._panel: WsssDock | None = None
        self._settled = False
        layout = QVBoxLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        self.setLayout(layout)
        # Else napari, which opens plugins at a side of the window, would add a stretch to the layout.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def follow(self, panel: WsssDock) -> None:
        """Show the queue of a panel, instead of that of one closed before."""
        if self._panel is panel:
            return
        if self.strip is not None:
            certain(self.layout()).removeWidget(self.strip)
            self.strip.deleteLater()
        self._panel = panel
        self.strip = Filmstrip(panel.session, panel.tabs.review.queue.model, panel.actions_)
        certain(self.layout()).addWidget(self.strip)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Find the panel, and a place at the bottom when it is shown for the first time."""
        super().showEvent(event)
        soon(self, self._arrive)

    def _arrive(self) -> None:
        self.follow(open_dock(self.viewer))
        dock, window = _dock_around(self), self.window()
        if self._settled or dock is None or not isinstance(window, QMainWindow):
            return
        self._settled = True
        bottom = Qt.DockWidgetArea.BottomDockWidgetArea
        if window.dockWidgetArea(dock) != bottom:
            window.addDockWidget(bottom, dock)
        window.resizeDocks([dock], [USUAL_HEIGHT], Qt.Orientation.Vertical)
        console = next((one for one in window.findChildren(QDockWidget) if one.objectName() == CONSOLE), None)
        if console is not None and console.isVisible() and console is not dock:
            window.tabifyDockWidget(console, dock)
            dock.raise_()


def _dock_around(widget: QWidget) -> QDockWidget | None:
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent


def strip_of(viewer: napari.Viewer) -> FilmstripDock | None:
    """Return the viewer's filmstrip, None when it has none."""
    return next((widget for widget in viewer.window.dock_widgets.values() if isinstance(widget, FilmstripDock)), None)
