"""The axes of a chart, drawn by pyqtgraph as a page needs them: no menu, no zoom, neither focus nor wheel.

pyqtgraph takes about as long to load as a page: import this module when a chart is first seen (`charts.Chart.axes`).
Its global options are other plugins' too and stay as they are.
"""

import os
from collections.abc import Sequence

from qtpy import API_NAME
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent

os.environ["PYQTGRAPH_QT_LIB"] = API_NAME  # read while it is imported

from pyqtgraph import BarGraphItem, InfiniteLine, PlotWidget, mkPen

DOTTED = 40  # so few points are also drawn as dots, as one alone gives no line
MOST_PEAKS = 200  # highest and lowest values that are drawn of a long curve: about one a pixel
FAINT, FAINTER = 130, 70  # of 255
BAR_SHARE = 0.6
PADDING = 0.03  # beyond the ends of both axes
MARGIN = 8  # pixels into which the outermost numbers reach
CAPTION = 1.9  # lines for its numbers and what they count


class Axes(PlotWidget):  # type: ignore[misc]
    """Curves, marks and bars over two axes.

    Attributes
    ----------
    pointed : Signal(object)
        The pointer is at a place on the horizontal axis, or (None) gone.
    """

    pointed = Signal(object)

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseEnabled(False, False)
        self.hideButtons()
        self.plotItem.layout.setContentsMargins(0, MARGIN, MARGIN, 0)
        self._pointer = InfiniteLine()
        self._pointer.hide()
        self.plotItem.vb.addItem(self._pointer, ignoreBounds=True)

    def begin(self, across: tuple[float, float], up: tuple[float, float], counted: str = "") -> None:
        """Remove what is drawn, take the theme's colours and span both axes from a least to a greatest value.

        Parameters
        ----------
        across, up : (float, float)
        counted : str
            What the horizontal axis counts.
        """
        self.clear()
        self.ensurePolished()  # a theme is a style sheet: the palette of what was never seen does not know it yet
        text = self.palette().windowText().color()
        self.setBackground(self.palette().window().color())
        for side in ("left", "right", "bottom"):
            scale = self.getAxis(side)
            scale.setStyle(tickLength=0, tickAlpha=0, tickFont=self.font(), hideOverlappingLabels=False)
            scale.setPen(self.faint(FAINTER))
            scale.setTextPen(text)
            scale.enableAutoSIPrefix(False)
        self.getAxis("bottom").setLabel(counted)
        self.getAxis("bottom").setHeight(round((CAPTION if counted else 1.2) * self.fontMetrics().height()))
        self._pointer.setPen(mkPen(text, style=Qt.PenStyle.DotLine))
        self.setRange(xRange=across, yRange=up, padding=PADDING)

    def faint(self, strength: int) -> QColor:
        """Return the text's colour, as opaque as `strength` of 255."""
        colour = QColor(self.palette().windowText().color())
        colour.setAlpha(strength)
        return colour

    def draw_curve(self, across: Sequence[float], up: Sequence[float], colour: QColor) -> None:
        """Draw a line, with dots where it has few points."""
        dots = {"symbol": "o", "symbolSize": 4, "symbolBrush": colour, "symbolPen": None}
        pen = mkPen(colour, width=1.6)
        made = self.plot(across, up, pen=pen, antialias=True, **(dots if len(across) <= DOTTED else {}))
        made.setDownsampling(max(1, len(across) // MOST_PEAKS), auto=False, method="peak")

    def draw_levels(self, levels: Sequence[tuple[float, str]]) -> None:
        """Draw lines across at values of the vertical axis, with texts before them."""
        self.name_places("left", levels)
        for value, _ in levels:
            self.addItem(InfiniteLine(value, angle=0, pen=self.faint(FAINTER)))

    def draw_mark(self, place: float) -> None:
        """Draw a dashed line at a place on the horizontal axis."""
        self.addItem(InfiniteLine(place, pen=mkPen(self.faint(FAINT), style=Qt.PenStyle.DashLine)))

    def reach(self, pixels: int) -> float:
        """Return how far so many pixels go on the horizontal axis."""
        return float(pixels * self.getViewBox().viewPixelSize()[0])

    def draw_bars(self, lengths: Sequence[float], colour: QColor) -> None:
        """Draw lying bars, one at each whole number of the vertical axis."""
        rows = range(len(lengths))
        self.addItem(BarGraphItem(x0=0, y=list(rows), width=lengths, height=BAR_SHARE, brush=colour, pen=None))

    def name_places(self, side: str, names: Sequence[tuple[float, str]]) -> None:
        """Write texts at places of an axis."""
        self.showAxis(side, bool(names))
        self.getAxis(side).setTicks([list(names)])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say where the pointer is, with a line through it."""
        super().mouseMoveEvent(event)
        place = self.plotItem.vb.mapSceneToView(self.mapToScene(event.pos())).x()
        self._pointer.setValue(place)
        self._pointer.show()
        self.pointed.emit(place)

    def leaveEvent(self, event: object) -> None:
        """Say that it is gone."""
        super().leaveEvent(event)
        self._pointer.hide()
        self.pointed.emit(None)
