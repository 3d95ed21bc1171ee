"""Small charts: curves with marks, and bars.

What a person can do with them: read a value by hovering, save them as a picture (`picture_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QImage, QShowEvent
from qtpy.QtWidgets import QWidget

from napari_wsss.widgets.controls.basic import column, text_label
from napari_wsss.widgets.controls.colours import ACCENT, FILL, legible
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.controls.stubs import certain

if TYPE_CHECKING:
    from napari_wsss.widgets.controls.axes import Axes

HEIGHT = 92
BAR_HEIGHT = 16
NAME_WIDTH, COUNT_WIDTH = 96, 72  # pixels beside the bars
LEVELS = (0.0, 0.5, 1.0)
"""Shares of the vertical axis at which its values are written."""
NEAR = 5  # pixels within which a mark is meant
SHARPNESS = 2.0
"""Pixels of a saved picture per pixel of the screen."""

Point = tuple[float, float]


def percent(value: float) -> str:
    """Return a share as ``12 %``."""
    return f"{100 * value:.0f} %"


def plain(value: float) -> str:
    """Return a number without needless places."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


class Chart(QWidget):
    """A heading over axes, drawn only while it is seen; what is drawn is a subclass's matter.

    Attributes
    ----------
    place : float or None
        Where the pointer is on the horizontal axis.
    """

    def __init__(self) -> None:
        super().__init__()
        self.heading = text_label()
        self.place: float | None = None
        self._parts = column(self.heading)
        self.setLayout(self._parts)

    @cached_property
    def axes(self) -> Axes:
        """The axes, made when they are first needed."""
        from napari_wsss.widgets.controls.axes import Axes  # loads pyqtgraph

        made = Axes()
        made.setFixedHeight(HEIGHT)
        made.pointed.connect(self.point)
        self._parts.addWidget(made)
        return made

    def point(self, place: float | None) -> None:
        """Say in the heading what is at a place on the horizontal axis, or (None) the newest."""
        self.place = place
        self.tell()

    def tell(self) -> None:
        """Show what is said in the heading."""
        self.heading.setText(self.said())

    def said(self) -> str:
        """Return the heading."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draw on the axes."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Show what has changed."""
        self.tell()
        if self.isVisible():
            self.draw()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Draw what came while it was hidden."""
        super().showEvent(event)
        self.refresh()

    def changeEvent(self, event: QEvent | None) -> None:
        """Take the colours of another theme."""
        super().changeEvent(event)
        if certain(event).type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self.refresh()


class LineChart(Chart):
    """One curve.

    Parameters
    ----------
    title : str
    written : callable
        Value -> text at the vertical axis.
    across : str
        What the horizontal axis counts.
    top : float, optional
        End of the vertical axis; the largest value without.
    """

    def __init__(
        self, title: str, written: Callable[[float], str] = plain, across: str = "", top: float | None = None
    ) -> None:
        super().__init__()
        self.title, self.across = title, across
        self._written, self._top = written, top
        self.points: tuple[Point, ...] = ()
        self.marks: tuple[tuple[float, str], ...] = ()

    def show_curve(self, points: Sequence[Point], marks: Sequence[tuple[float, str]] = ()) -> None:
        """Replace what is shown: points with ascending places, and places that have a name (an applied model)."""
        self.points, self.marks = tuple(points), tuple((place, name) for place, name in marks if place > 0)
        self.refresh()

    def point(self, place: float | None) -> None:
        """Say beside the pointer which model was applied at a mark, too."""
        super().point(place)
        reach = 0.0 if place is None else self.axes.reach(NEAR)
        near = [name for at, name in self.marks if place is not None and abs(at - place) < reach]
        self.setToolTip(as_text(f"from here on {near[-1]}") if near else "")

    def said(self) -> str:
        """Return the title with the newest value or the one under the pointer."""
        if not self.points:
            return f"{self.title}: nothing yet"
        if self.place is None:
            return f"{self.title}: {self._written(self.points[-1][1])}"
        place, value = min(self.points, key=lambda point: abs(point[0] - (self.place or 0.0)))
        return f"{self.title}: {self._written(value)} at {plain(place)} {self.across}".rstrip()

    def draw(self) -> None:
        """Draw marks and curve; of fewer than two points the heading alone says everything."""
        if len(self.points) < 2:
            if "axes" in self.__dict__:  # made before, for another project
                self.axes.hide()
            return
        self.axes.show()
        places, values = zip(*self.points, strict=True)
        first, top = min(0.0, places[0]), self._top or max(values) or 1.0
        last = places[-1] if places[-1] > first else first + 1
        self.axes.begin((first, last), (0.0, top), self.across)
        written = [(share * top, self._written(share * top)) for share in LEVELS]
        self.axes.draw_levels([one for one in written if one[0] == 0 or one[1] != written[0][1]])  # not twice "0 %"
        for place, _ in self.marks:
            self.axes.draw_mark(min(place, last))
        self.axes.draw_curve(places, values, legible(ACCENT, self.palette().window().color()))


class BarChart(Chart):
    """A bar per name: its whole length one count, the filled part another."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title
        self.bars: list[tuple[str, int, int]] = []

    def show_bars(self, bars: Sequence[tuple[str, int, int]]) -> None:
        """Replace what is shown by (name, whole, filled part) entries."""
        self.bars = list(bars)
        self.refresh()

    def said(self) -> str:
        """Return the title."""
        return self.title

    def draw(self) -> None:
        """Draw the bars between names and counts."""
        names, wholes, parts = zip(*self.bars or [("", 0, 0)], strict=True)
        axes, metrics = self.axes, self.fontMetrics()
        axes.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        axes.setFixedHeight(BAR_HEIGHT * (len(names) + 1))
        axes.begin((0.0, max(*wholes, 1)), (-0.5, len(names) - 0.5))
        axes.invertY()
        axes.hideAxis("bottom")
        short = [metrics.elidedText(name, Qt.TextElideMode.ElideRight, NAME_WIDTH - 8) for name in names]
        counts = [f"{part} of {whole}" if name else "" for name, whole, part in zip(names, wholes, parts, strict=True)]
        for side, width, texts in (("left", NAME_WIDTH, short), ("right", COUNT_WIDTH, counts)):
            axes.getAxis(side).setWidth(width)
            axes.name_places(side, list(enumerate(texts)))
        axes.draw_bars(wholes, axes.faint(60))
        axes.draw_bars(parts, legible(FILL, self.palette().window().color()))


def picture_of(widget: QWidget) -> QImage:
    """Return a widget and everything on it as a picture, sharper than the screen."""
    size = widget.size() * SHARPNESS
    image = QImage(size, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(SHARPNESS)
    image.fill(widget.palette().window().color())
    widget.render(image)
    return image
