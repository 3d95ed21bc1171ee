"""Classes as a person sees them in lists: which can be painted, in which order, in which colour."""

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon
from qtpy.QtWidgets import QColorDialog, QWidget

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.colours import clear_pixmap

SWATCH = 12


def hex_colour(classes: ClassList, name: str) -> str:
    """Return a class's palette colour as ``#rrggbb``."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in classes.colour(name))


def value_colour(classes: ClassList, value: int) -> QColor:
    """Return the palette colour of a mask value."""
    return QColor(*(int(part) for part in classes.screen[value]))


def swatch(classes: ClassList, value: int, size: int = SWATCH) -> QIcon:
    """Return the colour of a mask value as a square of `size` pixels, the same where nothing can be chosen."""
    picture = clear_pixmap(size, size)
    picture.fill(value_colour(classes, value))
    made = QIcon(picture)
    made.addPixmap(picture, QIcon.Mode.Disabled)  # Qt would show it in grey, and all classes alike
    return made


def choose_colour(session: Session, name: str, parent: QWidget) -> QColorDialog | None:
    """Open the choice of another colour for a class; it counts once it is confirmed. None where there is no class."""
    classes = session.classes
    if classes is None or name not in classes.current:
        return None
    dialog = QColorDialog(value_colour(classes, classes.mask_value(name)), parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(f"Colour of {name}")

    def take(colour: QColor) -> None:
        session.class_list.colour(name, colour.name())

    dialog.colorSelected.connect(take)
    dialog.open()
    return dialog


def paintable(session: Session) -> list[tuple[int, str]]:
    """Return ``(mask value, name)`` of all that can be painted: labelled classes, background, ignore, the others.

    Classes stand in the order of their digits.
    """
    table = session.table
    if table is None:
        return []
    classes, labels = table.classes, table.record.labels
    values = [(value, classes.name_of(value)) for value in session.digits.order]
    labelled = [entry for entry in values if entry[1] in labels]
    others = [entry for entry in values if entry[1] not in labels]
    return [*labelled, (BACKGROUND, "background"), (IGNORE, "ignore"), *others]
