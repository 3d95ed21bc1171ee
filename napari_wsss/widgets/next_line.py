"""The next step in a sentence, with the one button that does it; in the dock's head, on every page."""

from qtpy.QtCore import QRect, Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_wsss.session.next_step import NextStep
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, row, single_shot, text_label
from napari_wsss.widgets.controls.listening import Tells, listen
from napari_wsss.widgets.controls.plain_text import as_text

CAPTION_WIDTH = 64  # pixels, whatever it says, so that nothing moves
LINES = 2
ARROW = "→ "


class NextLine(QWidget):
    """Shows `Session.next_steps`; who holds it does what the button stands for.

    Attributes
    ----------
    wanted : Signal(object)
        The `NextStep` whose button was pressed.
    """

    wanted = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.step = NextStep("")
        self.text = text_label()
        self.fit()
        self.do = button("", lambda: self.wanted.emit(self.step))
        self.do.setFixedWidth(CAPTION_WIDTH)
        kept = self.do.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.do.setSizePolicy(kept)
        layout = row(self.text, self.do)
        layout.setAlignment(self.do, Qt.AlignmentFlag.AlignVCenter)
        self.setLayout(layout)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._later = single_shot(self, 0, self.refresh)  # one gesture tells several things
        signals = session.signals
        self._follow(signals.project_opened, signals.project_closed, signals.plan_changed)
        self._follow(signals.image_changed, signals.maps_ready, signals.labels_changed)
        listen(self, (signals.state_changed, self._on_moved), (signals.queue_changed, self._on_moved))
        self._follow(session.next_steps.changed, session.hint.changed, session.training.started, session.training.ended)
        self.refresh()

    def _follow(self, *hooks: Tells) -> None:
        listen(self, *((hook, self._on_news) for hook in hooks))

    def _on_moved(self, *_news: object) -> None:
        self._session.next_steps.count_again()
        self._later.start()

    def _on_news(self, *_news: object) -> None:
        self._later.start()

    def fit(self) -> None:
        """Take the height of two lines in the font of now."""
        self.text.setFixedHeight(LINES * self.text.fontMetrics().lineSpacing() + 4)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Shorten the sentence to another width."""
        super().resizeEvent(event)
        self._show_text()

    def _show_text(self) -> None:
        """Show as many words as two lines hold; the tooltip has all of them."""
        words, shown = self.step.text.split(" "), f"{ARROW}{self.step.text}"
        while len(words) > 1 and self._lines(shown) > LINES:
            words.pop()
            shown = f"{ARROW}{' '.join(words)} …"
        self.text.setText(shown)

    def _lines(self, text: str) -> int:
        metrics = self.text.fontMetrics()
        room = QRect(0, 0, max(1, self.text.contentsRect().width()), metrics.lineSpacing() * 99)
        return metrics.boundingRect(room, int(Qt.TextFlag.TextWordWrap), text).height() // metrics.lineSpacing()

    def refresh(self) -> None:
        """Show the step of now."""
        self.step = self._session.next_steps.step
        self._show_text()
        self.text.setToolTip(as_text(self.step.text))
        self.do.setText(self.step.caption)
        self.do.setToolTip(as_text(self.step.text))
        self.do.setVisible(bool(self.step.caption))
