"""Room for the picture: napari's layer list and controls are folded away while they leave it too little.

They come back when the panel goes, when a person asks for them, and by napari's own menu at any time.
"""

from qtpy.QtCore import QEvent, QObject, Signal
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_wsss.widgets.controls.basic import single_shot, soon
from napari_wsss.widgets.controls.stubs import certain

LEFT_DOCKS = ("layer controls", "layer list")
"""Names that napari gives them."""
LEAST_SHARE = 0.6
"""Of the window's width that belongs to the picture."""
SETTLING_MS = 2000
"""In which docks that were just added, or a window just shown, get their sizes."""


class Compact(QObject):
    """Folds the left side of one window.

    Parameters
    ----------
    window : QMainWindow
    parent : QObject

    Attributes
    ----------
    folded : Signal()
        `keep_room` has folded.
    """

    folded = Signal()

    def __init__(self, window: QMainWindow, parent: QObject) -> None:
        super().__init__(parent)
        self._window: QMainWindow | None = window
        self._folded: list[QDockWidget] = []
        self._settling = single_shot(self, SETTLING_MS, lambda: None)
        centre = window.centralWidget()
        if centre is not None:
            centre.installEventFilter(self)

    @property
    def is_folded(self) -> bool:
        """True while something is folded away by us."""
        return any(not dock.isVisible() for dock in self._folded)

    def keep_room(self) -> None:
        """Fold where the picture has less than its share, now or when all sizes are known."""
        self._settling.start()
        self._look()

    def _look(self) -> None:
        if self._settling.isActive() and self.fold_if_tight():
            self._settling.stop()
            self.folded.emit()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Look again when the picture gets another size."""
        if certain(event).type() == QEvent.Type.Resize and self._settling.isActive():
            soon(self, self._look)
        return False

    def fold_if_tight(self) -> bool:
        """Fold where the picture has less than its share of the window; return whether it was done."""
        centre = self._window.centralWidget() if self._window is not None else None
        if self._window is None or centre is None or centre.width() >= LEAST_SHARE * self._window.width():
            return False
        before = len(self._folded)
        self.fold()
        return len(self._folded) > before

    def fold(self) -> None:
        """Fold the left side away."""
        docks = self._window.findChildren(QDockWidget) if self._window is not None else []
        found = [dock for dock in docks if dock.objectName() in LEFT_DOCKS]
        seen = [dock for dock in found if dock.isVisible() and not dock.isFloating()]
        for dock in seen:
            dock.hide()
        self._folded += [dock for dock in seen if dock not in self._folded]

    def give_back(self) -> None:
        """Show what was folded."""
        self._settling.stop()
        for dock in self._folded:
            dock.show()
        self._folded = []

    def end(self) -> None:
        """Give back, and let go of the window."""
        self.give_back()
        self._window = None

    def toggle(self) -> None:
        """Fold, or give back what was folded."""
        if self.is_folded:
            self.give_back()
        else:
            self.fold()
