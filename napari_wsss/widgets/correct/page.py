"""The Correct page: from clicks or a few scribbles to a mask, and cleaning it.

What a person can do with it: point at things, and choose the files of a segmenter that answers; turn to the scribbles
and back, propagate them around or over the whole image, say how much the activation maps count, rub scribbles out, add
a scribbled class to the labels; drop small regions, fill holes, smooth borders or snap them to edges, each shown as
outlines before it is applied as one undo step.
"""

from qtpy.QtGui import QHideEvent
from qtpy.QtWidgets import QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import column, heading, line
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
        sections = (
            *(heading("Point at things"), self.point, line()),
            *(heading("Scribble and propagate"), self.propagate, line()),
            *(heading("Clean up the mask"), self.cleanup),
        )
        self.setLayout(column(*sections, 1, margin=4))

    def hideEvent(self, event: QHideEvent | None) -> None:
        """End the preview when another page is shown: nobody would know where its outlines come from."""
        super().hideEvent(event)
        self._session.cleaning.cancel()
