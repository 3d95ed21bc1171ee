"""Choosing the class to paint by typing: for projects with more classes than digits."""

from qtpy.QtWidgets import QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.class_entries import paintable
from napari_wsss.widgets.controls.type_ahead import TypeAhead
from napari_wsss.widgets.layers.viewer_sync import ViewerSync


class ClassPopup(TypeAhead):
    """The classes to paint, the image's own first, then background and ignore, then all others.

    Numbers work too: what is typed may be a mask value.
    """

    hint = "Enter paints the marked class, Esc closes"

    def __init__(self, session: Session, sync: ViewerSync, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._sync = sync

    def names(self) -> list[str]:
        """Return every paintable name in the legend's order."""
        return [name for _value, name in paintable(self._session)]

    def matches(self) -> list[str]:
        """Return fitting names; a number finds the class with this mask value."""
        typed = self.text.text().strip()
        numbered = [name for value, name in paintable(self._session) if typed == str(value)]
        return numbered + [name for name in super().matches() if name not in numbered]

    def title_of(self, name: str) -> str:
        """Return mask value and name."""
        return f"{self.value_of(name)}  {name}"

    def value_of(self, name: str) -> int:
        """Return the mask value of a listed name."""
        return next(value for value, known in paintable(self._session) if known == name)

    def take(self, name: str) -> None:
        """Paint this class from now on."""
        self._sync.choose_value(self.value_of(name))
        self.close()
