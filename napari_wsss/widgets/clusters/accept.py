"""Accepting the sure proposals of one cluster: how sure, what it would accept, and why it is not possible yet."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSlider, QWidget

from napari_wsss.core.plural import counted
from napari_wsss.session.gallery.gallery import GalleryRow
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import WheelGuard, button, column, row, text_label
from napari_wsss.widgets.controls.plain_text import as_text

USUAL = 90
"""Confidence in percent to begin with."""


class AcceptBox(QWidget):
    """A slider for the least confidence, a line that says what would be accepted, and the button that does it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._row: GalleryRow | None = None
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setValue(USUAL)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.slider.setToolTip("Least share of pixels that the maps are sure about")
        WheelGuard.protect(self.slider)
        self.share = text_label(wrap=False)
        self.remark = text_label(quiet=True)
        self.accept = button("Accept them", self._accept, "One step; Backspace takes all of it back")
        self.slider.valueChanged.connect(lambda _value: self._say())
        confidence = row(text_label("confidence ≥", wrap=False), self.slider, self.share)
        self.setLayout(column(confidence, row(self.remark, self.accept)))

    def begin(self, shown: GalleryRow) -> None:
        """Show what can be accepted of a cluster, and have measured what is not known yet."""
        self._session.gallery.batch.measure(shown.full_name)
        self.show_row(shown)

    def show_row(self, shown: GalleryRow) -> None:
        """Show what can be accepted of a cluster."""
        self._row = shown
        self._say()

    def _say(self) -> None:
        self.share.setText(f"{self.slider.value()} %")
        if self._row is None:
            return
        batch = self._session.gallery.batch
        count = len(batch.would_accept(self._row.full_name, self.slider.value() / 100))
        reason = batch.why_not(self._row.facts)
        would = f"Would accept {count} of {counted(len(self._row.members), 'image')}"
        if waiting := len(batch.unmeasured(self._row.full_name)):
            would += f" ({waiting} not measured yet)"
        self.remark.setText(f"{would}. Not yet: {reason}." if reason else f"{would}; drafts stay as they are.")
        self.accept.setEnabled(not reason and count > 0)
        self.accept.setToolTip(as_text(f"Not yet: {reason}") if reason else "One step; Backspace takes all of it back")

    def _accept(self) -> None:
        if self._row is not None:
            self._session.gallery.batch.accept(self._row.full_name, self.slider.value() / 100)
