"""Labels and classes of the shown image: chips, legend, the class to paint, where maps are unsure, grey contrast.

What a person can do with it: see `label_editor` and `legend`; tick *Show unsure places*, and press the
button (or J) to look at such places one after the other.
"""

from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, column, heading, row
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.layers.viewer_sync import ViewerSync
from napari_wsss.widgets.review.class_popup import ClassPopup
from napari_wsss.widgets.review.contrast_line import ContrastLine
from napari_wsss.widgets.review.label_editor import LabelChips
from napari_wsss.widgets.review.legend import Legend

UNSURE = "Violet to white: two classes (or a class and background) score nearly the same"


class ClassPanel(QWidget):
    """Chips, legend and uncertainty in a column."""

    def __init__(self, session: Session, sync: ViewerSync, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._actions = session, actions
        self.chips = LabelChips(session, actions.with_key("Add or remove labels", "edit_labels"))
        self.legend = Legend(session, sync, actions)
        self.class_popup = ClassPopup(session, sync, self)
        self.find_button = button("Find …", self.open_class_popup)
        self.unsure = QCheckBox("Show unsure places")
        self.unsure.setToolTip(UNSURE)
        self.unsure.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.unsure.toggled.connect(session.doubts.show)
        self.jump = button("Zoom to next", lambda: actions.run("most_uncertain"))
        classes = row(heading("Classes to paint"), 1, self.find_button)
        unsure = row(self.unsure, 1, self.jump)
        self.contrast = ContrastLine(session, sync)
        parts = (heading("Image-level labels"), self.chips, classes, self.legend, unsure, self.contrast)
        self.setLayout(column(*parts))
        self._show_keys()
        listen(
            self,
            (session.signals.image_changed, self._on_labels),
            (session.signals.labels_changed, self._on_labels),
            (session.signals.classes_changed, self.chips.refresh),
            (session.signals.project_opened, self.chips.refresh),
            (session.signals.project_closed, self.chips.refresh),
        )
        actions.labels_wanted.connect(self.chips.open_popup)
        actions.class_wanted.connect(self.open_class_popup)
        actions.table_changed.connect(self._show_keys)

    def _show_keys(self) -> None:
        with_key = self._actions.with_key
        self.find_button.setToolTip(with_key("Choose the class to paint by typing its name", "choose_class"))
        self.jump.setToolTip(with_key("Zoom to the most uncertain place; again: to the next one", "most_uncertain"))

    def _on_labels(self, _image_id: str) -> None:
        self.chips.refresh()

    def open_class_popup(self) -> None:
        """Open the type-ahead at the legend, or at the mouse while this page is hidden."""
        visible = self.legend.isVisible()
        corner = self.legend.mapToGlobal(QPoint(0, self.legend.height())) if visible else QCursor.pos()
        self.class_popup.open_at(corner)
