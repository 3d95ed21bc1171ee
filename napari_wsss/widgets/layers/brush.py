"""The class a person paints with: chosen by key, legend or napari's own box, always one the project has."""

from collections.abc import Callable
from typing import Any

from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.session.session import Session
from napari_wsss.widgets.layers.cam_layers import CamLayers


class Brush(QObject):
    """The mask value that painting makes.

    Parameters
    ----------
    session : Session
    mask : callable
        Returns the mask's layer, None while no image is shown.
    cams : CamLayers
        Shows the map of the class that is chosen.

    Attributes
    ----------
    value : int
        A class's mask value, 0 for background or 255 for ignore.
    chosen : Signal(int)
        Another value is painted now.
    notice : Signal(str)
        Why a value was refused.
    """

    chosen = Signal(int)
    notice = Signal(str)

    def __init__(
        self, session: Session, mask: Callable[[], Labels | None], cams: CamLayers, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._mask, self._cams = session, mask, cams
        self.value = 1
        self._had: tuple[str, ...] = ()  # the labels as they were when the brush last looked

    def labelled(self) -> tuple[str, ...]:
        """Return the shown image's labels in class order."""
        table = self._session.table
        return () if table is None else tuple(name for name in table.classes.names if name in table.record.labels)

    def start(self, mask: Labels) -> None:
        """Paint a new mask layer with the first class of its image."""
        self.value = self._first() or 1
        self._had = self.labelled()
        mask.selected_label = self.value
        mask.events.selected_label.connect(self._on_selected_label)
        self.chosen.emit(self.value)

    def _first(self) -> int | None:
        labelled, classes = self.labelled(), self._session.classes
        return classes.mask_value(labelled[0]) if labelled and classes is not None else None

    def keep_to_labels(self) -> None:
        """Go to the image's first class where it has not the one painted until now.

        A brush left from the image before would otherwise draw a class that nobody sees in this one.
        """
        mask, classes, first = self._mask(), self._session.classes, self._first()
        self._had = self.labelled()
        if mask is None or classes is None or first is None or self.value in (BACKGROUND, IGNORE):
            return
        if classes.name_of(self.value) not in self.labelled():
            mask.selected_label = first

    def on_labels(self) -> None:
        """Leave a class whose label was just removed; one that never was a label was chosen on purpose."""
        classes, had = self._session.classes, self._had
        if classes is not None and self.value in classes.values() and classes.name_of(self.value) in had:
            self.keep_to_labels()
        self._had = self.labelled()

    def choose(self, value: int) -> bool:
        """Paint with a mask value and show its class's map; return False where the project has no such value."""
        mask, classes = self._mask(), self._session.classes
        if mask is None or classes is None or value not in classes.values():
            return False
        mask.selected_label = value
        name = classes.name_of(value)
        if value not in (BACKGROUND, IGNORE) and name in self.labelled():
            self._cams.show(name)
        return True

    def _on_selected_label(self, _event: Any = None) -> None:
        mask, classes = self._mask(), self._session.classes
        if mask is None or classes is None or mask.selected_label == self.value:
            return
        if mask.selected_label in classes.values():
            self.value = int(mask.selected_label)
            self.chosen.emit(self.value)
            return
        self.notice.emit(f"There is no class {mask.selected_label}; classes are added on the Project page.")
        mask.selected_label = self.value
