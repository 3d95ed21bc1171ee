"""The Correct page: from clicks or a few scribbles to a mask, and cleaning it.

What a person can do with it: point at things, and choose the files of a segmenter that answers; turn to the scribbles
and back, propagate them around or over the whole image, say how much the activation maps count, rub scribbles out, add
a scribbled class to the labels; drop small regions, fill holes, smooth borders or snap them to edges, each shown as
outlines before it is applied as one undo step; begin with the mask of the page before or after.
"""

from qtpy.QtGui import QHideEvent
from qtpy.QtWidgets import QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, column, heading, line
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.correct.cleanup_box import CleanupBox
from napari_wsss.widgets.correct.point_box import PointBox
from napari_wsss.widgets.correct.propagate_box import PropagateBox
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.layers.viewer_sync import ViewerSync


class CorrectPage(QWidget):
    """Pointing, propagation and clean-up."""

    def __init__(self, session: Session, sync: ViewerSync, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.point = PointBox(session, sync, actions)
        self.propagate = PropagateBox(session, sync, actions)
        self.cleanup = CleanupBox(session, sync)
        self.neighbour = button("Start from the neighbour's mask", lambda: actions.run("take_neighbour"))
        self._actions = actions
        self.of_stack = QWidget()
        self.of_stack.setLayout(column(line(), heading("Pages of a stack"), self.neighbour))
        sections = (
            *(heading("Point instead of paint"), self.point, line()),
            *(heading("Scribble and propagate"), self.propagate, line()),
            *(heading("Clean up the mask"), self.cleanup, self.of_stack),
        )
        self.setLayout(column(*sections, 1, margin=4))
        signals = session.signals
        listen(self, (signals.image_changed, self._on_image), (signals.project_closed, self._on_image))
        actions.table_changed.connect(self._on_image)
        self._on_image()

    def _on_image(self, _image_id: str = "") -> None:
        """Offer the neighbour's mask where there is one; it is never taken by itself."""
        self.of_stack.setVisible(self._session.neighbours.is_page)
        why = self._actions.why_disabled("take_neighbour")
        self.neighbour.setEnabled(not why)
        tip = f"The accepted mask of {self._session.neighbours.found()}; what you drew here stays"
        self.neighbour.setToolTip(self._actions.with_key(f"Not now: {why}" if why else as_text(tip), "take_neighbour"))

    def hideEvent(self, event: QHideEvent | None) -> None:
        """End the preview when another page is shown: nobody would know where its outlines come from."""
        super().hideEvent(event)
        self._session.cleaning.cancel()
