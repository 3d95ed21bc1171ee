"""Whether the marked run is better than what is used now, below its buttons.

What a person can do with it: read on how many classes it is better and worse and what is recommended before applying
it; hover to see the IoU of every class; stop the comparison. Applying stays the person's decision.
"""

from html import escape

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QWidget

from napari_wsss.session.runs.folders import RunInfo
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import column, row, single_shot, text_label, tool_button
from napari_wsss.widgets.controls.listening import listen

REST = 300  # milliseconds a run stays marked before it is compared
COLOURS = {"apply": "#1dd1a1", "keep": "#feca57"}


class VerdictLine(QWidget):
    """Headline and reasons of the verdict about one run; asked for while somebody looks."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._run: RunInfo | None = None
        self.line = text_label(quiet=True)
        self.reasons = text_label(quiet=True)
        self.stop = tool_button(
            "stop", lambda: session.verdicts.ask(None), "Do not compare; mark the run again to do so"
        )
        first = row(self.line, self.stop)
        first.setStretch(0, 1)
        self.setLayout(column(first, self.reasons))
        self._soon = single_shot(self, REST, self._ask)
        listen(
            self,
            (session.verdicts.changed, self.refresh),
            (session.signals.model_applied, self._later),
            (session.training.ended, self._later),
        )
        self.refresh()

    def follow(self, run: RunInfo | None) -> None:
        """Tell about another run, or about none."""
        self._run = run
        self._later()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Ask for what was not asked while nobody looked."""
        self._later()

    def _later(self) -> None:
        self._soon.start()

    def _ask(self) -> None:
        if self.isVisible() and not self._session.training.running:
            self._session.verdicts.ask(self._run)

    def refresh(self) -> None:
        """Show what is known."""
        told = self._session.verdicts.told
        self.line.setText(told.line)
        self.line.tint(COLOURS.get(told.recommendation, ""), bold=told.state == "known")
        self.stop.setVisible(told.state == "comparing")
        self.reasons.setText(" ".join(told.reasons))
        tip = f"<pre>{escape(told.table)}</pre>" if told.table else ""
        for label in (self.line, self.reasons):
            label.setToolTip(tip)
            label.setVisible(bool(label.text()))
