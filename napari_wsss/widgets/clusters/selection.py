"""The images that are selected in the gallery, shared by thumbnails and scatter, and how a cluster is coloured."""

from collections.abc import Collection, Iterable

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QColor

from napari_wsss.widgets.controls.colours import PALETTE

ADDING = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier


class ClusterSelection(QObject):
    """Ids of images in the order in which they were selected.

    Attributes
    ----------
    changed : Signal()
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ids: dict[str, None] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        """The selected images."""
        return tuple(self._ids)

    def __contains__(self, image_id: object) -> bool:
        return image_id in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def take(self, image_ids: Iterable[str], adding: bool = False) -> None:
        """Select images, besides those that are selected when `adding`."""
        self._set({**(self._ids if adding else {}), **dict.fromkeys(image_ids)})

    def click(self, image_id: str, adding: bool = False) -> None:
        """Select one image; when `adding`, take it in or out of the selection."""
        if adding and image_id in self._ids:
            self._set({other: None for other in self._ids if other != image_id})
        else:
            self.take([image_id], adding)

    def keep(self, known: Collection[str]) -> None:
        """Let go of images that are not among `known`."""
        self._set({image_id: None for image_id in self._ids if image_id in known})

    def _set(self, ids: dict[str, None]) -> None:
        if list(ids) != list(self._ids):
            self._ids = ids
            self.changed.emit()


def is_adding(modifiers: Qt.KeyboardModifier) -> bool:
    """Return whether Shift or Ctrl is held."""
    return bool(modifiers & ADDING)


def cluster_colour(place: int) -> QColor:
    """Return the colour of a place; later rounds of the list are lighter."""
    colour = QColor(PALETTE[place % len(PALETTE)])
    return colour.lighter(100 + 35 * (place // len(PALETTE)))
