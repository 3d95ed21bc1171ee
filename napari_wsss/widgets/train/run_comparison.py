"""Several training runs side by side: final scores and what they were told differently, and their curves in one plot.

What a person can do with it: read which setting made the difference; hover the plot; close it again.
"""

from collections.abc import Sequence
from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget

from napari_wsss.session.runs.compared import RunTable, compare, curves
from napari_wsss.session.runs.folders import RunInfo
from napari_wsss.widgets.controls.basic import button, column, heading, row, text_label
from napari_wsss.widgets.train.loss_plot import LossPlot

MOST_RUNS = 6  # as many as the plot has colours for
NOTHING = "They were told the same, and no score differs."


class RunComparison(QWidget):
    """Hidden until runs are compared."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = text_label(wrap=False)
        self.plot = LossPlot()
        scroll = QScrollArea()  # many runs are wider than the panel
        scroll.setWidget(self.table)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setMinimumHeight(120)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close = button("Close", self.clear)
        self.setLayout(column(row(heading("Comparison"), 1, close), scroll, self.plot))
        self.hide()

    def show_runs(self, runs: Sequence[RunInfo]) -> None:
        """Compare runs, at most `MOST_RUNS` of them."""
        chosen = list(runs)[:MOST_RUNS]
        self.table.show_markup(as_html(compare(chosen)))
        self.plot.show_history(curves(chosen))
        self.show()

    def clear(self) -> None:
        """Show nothing."""
        self.hide()
        self.plot.clear()


def as_html(table: RunTable) -> str:
    """Return a table of runs as rich text, the best score of each row bold."""
    if not table.rows:
        return NOTHING
    names = "".join(f"<th align='left'>{escape(name)}&nbsp;&nbsp;</th>" for name in table.names)
    lines = [f"<tr><th></th>{names}</tr>"]
    for (title, values), best in zip(table.rows, table.best, strict=True):
        cells = [f"<b>{escape(v)}</b>" if place == best else escape(v) for place, v in enumerate(values)]
        told = "".join(f"<td>{cell}&nbsp;&nbsp;</td>" for cell in cells)
        lines.append(f"<tr><td>{escape(title)}&nbsp;&nbsp;</td>{told}</tr>")
    return f"<table>{''.join(lines)}</table>"
