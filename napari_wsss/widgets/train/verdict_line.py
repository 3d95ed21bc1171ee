"""Whether a run, or a changed chain, is better than what was used without it.

What a person can do with it: read on how many classes it is better and worse and what is recommended; hover to see the
IoU of every class; stop the comparison. Applying, and taking back, stay the person's decision.
"""

from html import escape

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QWidget

from napari_wsss.session.models.verdicts import Verdicts
from napari_wsss.session.runs.folders import RunInfo
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import column, row, single_shot, text_label, tool_button
from napari_wsss.widgets.controls.listening import listen

REST = 300  # milliseconds a run stays marked before it is compared
COLOURS = {"apply": "#1dd1a1", "keep": "#feca57"}


class VerdictLine(QWidget):
    """Headline and reasons of a verdict; hidden while there is none.

    Attributes
    ----------
    keeps_place : bool
        The headline has its line also while it is empty, so that what is around it does not move when it comes.
    """

    keeps_place = False

    def __init__(self, verdicts: Verdicts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._verdicts = verdicts
        self.line = text_label(quiet=True)
        self.reasons = text_label(quiet=True)
        self.stop = tool_button("stop", lambda: verdicts.ask(None), "Do not compare")
        policy = self.stop.sizePolicy()
        policy.setRetainSizeWhenHidden(self.keeps_place)
        self.stop.setSizePolicy(policy)
        first = row(self.line, self.stop)
        first.setStretch(0, 1)
        self.setLayout(column(first, self.reasons))
        listen(self, (verdicts.changed, self.refresh))
        self.refresh()

    def refresh(self) -> None:
        """Show what is known."""
        told = self._verdicts.told
        self.line.setText(told.line)
        self.line.tint(COLOURS.get(told.recommendation, ""), bold=told.state == "known")
        self.stop.setVisible(told.state == "comparing")
        self.reasons.setText(" ".join(told.reasons))
        tip = f"<pre>{escape(told.table)}</pre>" if told.table else ""
        for label in (self.line, self.reasons):
            label.setToolTip(tip)
            label.setVisible(bool(label.text()) or (self.keeps_place and label is self.line))


class RunVerdict(VerdictLine):
    """The verdict about the run that is marked; asked for while somebody looks."""

    keeps_place = True

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        self._session = session
        self._run: RunInfo | None = None
        super().__init__(session.verdicts, parent)
        self._soon = single_shot(self, REST, self._ask)
        listen(self, (session.signals.model_applied, self._later), (session.training.ended, self._later))

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
            self._verdicts.ask(self._run)
