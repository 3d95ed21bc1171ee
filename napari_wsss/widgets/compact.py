"""Room for the picture: napari's layer list and controls are folded away while they leave it too little.

They come back when the panel goes, when a person asks for them, and by napari's own menu at any time.
"""

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QDockWidget, QMainWindow

LEFT_DOCKS = ("layer controls", "layer list")
"""Names that napari gives them."""
LEAST_SHARE = 0.6
"""Of the window's width that belongs to the picture."""


class Compact(QObject):
    """Folds the left side of one window.

    Parameters
    ----------
    window : QMainWindow
    parent : QObject
    """

    def __init__(self, window: QMainWindow, parent: QObject) -> None:
        super().__init__(parent)
        self._window: QMainWindow | None = window
        self._folded: list[QDockWidget] = []

    @property
    def is_folded(self) -> bool:
        """True while something is folded away by us."""
        return any(not dock.isVisible() for dock in self._folded)

    def fold_if_tight(self) -> bool:
        """Fold where the picture has less than its share of the window; return whether it was done."""
        centre = self._window.centralWidget() if self._window is not None else None
        if self._window is None or centre is None or centre.width() >= LEAST_SHARE * self._window.width():
            return False
        self.fold()
        return bool(self._folded)

    def fold(self) -> None:
        """Fold the left side away."""
        docks = self._window.findChildren(QDockWidget) if self._window is not None else []
        found = [dock for dock in docks if dock.objectName() in LEFT_DOCKS]
        self._folded = [dock for dock in found if dock.isVisible() and not dock.isFloating()]
        for dock in self._folded:
            dock.hide()

    def give_back(self) -> None:
        """Show what was folded."""
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
