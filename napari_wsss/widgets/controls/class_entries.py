"""Classes as a person sees them in lists: which can be painted, in which order, in which colour."""

from qtpy.QtGui import QColor, QIcon

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


def paintable(session: Session) -> list[tuple[int, str]]:
    """Return ``(mask value, name)`` of all that can be painted: labelled classes, background, ignore, the others."""
    table = session.table
    if table is None:
        return []
    classes, labels = table.classes, table.record.labels
    values = list(enumerate(classes.names, start=1))
    labelled = [entry for entry in values if entry[1] in labels]
    others = [entry for entry in values if entry[1] not in labels]
    return [*labelled, (BACKGROUND, "background"), (IGNORE, "ignore"), *others]
