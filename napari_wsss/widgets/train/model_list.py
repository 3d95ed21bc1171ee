"""The models a project has used, newest first, and the way back to an earlier one.

What a person can do with it: see which model gives the proposals and since when; go back to the model before, or
to the marked one; have the accepted masks compared with what the model proposes now.
"""

import time

from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QDoubleSpinBox, QListWidget, QListWidgetItem, QWidget

from napari_wsss.core.registry import method_title
from napari_wsss.session.models.applied import AppliedModel
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import WheelGuard, button, column, row, text_label
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.number_text import read_as_it_looks
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.controls.stubs import certain

MODEL = Qt.ItemDataRole.UserRole
HEIGHT = 76  # pixels
NONE = "no model is applied yet"
KINDS = {"localize": "maps", "segment": "masks", "affinity": "affinity", "saliency": "saliency"}


class ModelList(QWidget):
    """The history of applied models."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.list = QListWidget()
        self.list.setMaximumHeight(HEIGHT)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # long lines are elided
        self.list.currentItemChanged.connect(lambda *_: self._show_buttons())
        self.back = button("Use the one before", self._back, "Its proposals come back at once; masks stay")
        self.use = button("Use the marked one", self._use, "Its proposals come back at once; masks stay")
        self.above = QDoubleSpinBox()
        self.above.setRange(0.05, 0.95)
        self.above.setSingleStep(0.05)
        self.above.setValue(session.changes.disagrees_above)
        self.above.setToolTip("1 - mean IoU of accepted mask and proposal from which an image is marked 'disagrees'")
        self.above.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.above.valueChanged.connect(self._on_above)
        WheelGuard.protect(self.above)
        read_as_it_looks(self.above)
        self.compare = button("Find disagreement", session.changes.compare_accepted, "Accepted masks are only read")
        above = row(self.compare, text_label("above", wrap=False), self.above, 1)
        self.setLayout(column(self.list, row(self.back, self.use, 1), above))
        listen(
            self,
            (session.signals.project_opened, self.refresh),
            (session.signals.project_closed, self.refresh),
            (session.signals.plan_changed, self._on_plan),
        )
        self.refresh()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Read what was applied while nobody looked."""
        self.refresh()

    def _on_plan(self) -> None:
        if self.isVisible():
            self.refresh()

    def refresh(self) -> None:
        """Read the history again."""
        models = self._history()
        known = [certain(self.list.item(place)).data(MODEL) for place in range(self.list.count())]
        if known == models and models:
            return  # a slider was moved
        self.list.clear()
        for place, model in enumerate(models):
            item = QListWidgetItem(model_text(model, is_used=place == 0))
            item.setData(MODEL, model)
            item.setToolTip(as_text(f"{model.missing} is no longer there" if model.missing else model.name))
            self.list.addItem(item)
        if not models:
            self.list.addItem(NONE)
        self._show_buttons()

    def _history(self, limit: int = 20) -> list[AppliedModel]:
        return self._session.models.history(limit) if self._session.project is not None else []

    def _show_buttons(self) -> None:
        project, models = self._session.project, self._history(2)
        writable = project is not None and not project.read_only
        self.back.setEnabled(writable and len(models) > 1 and not models[1].missing)
        marked = self._marked()
        self.use.setEnabled(writable and marked is not None and self.list.currentRow() > 0 and not marked.missing)
        self.compare.setEnabled(writable and bool(models))

    def _marked(self) -> AppliedModel | None:
        item = self.list.currentItem()
        found: AppliedModel | None = item.data(MODEL) if item is not None else None
        return found

    def _back(self) -> None:
        models = self._history(2)
        if len(models) > 1:
            self._go_to(models[1])

    def _use(self) -> None:
        marked = self._marked()
        if marked is not None:
            self._go_to(marked)

    def _go_to(self, model: AppliedModel) -> None:
        if self._session.models.go_back_to(model):
            title = method_title(model.shelf, model.method)
            self._session.signals.notice.emit(f"{title} is used again; accepted masks stay as they are.")

    def _on_above(self, value: float) -> None:
        self._session.changes.disagrees_above = float(value)


def model_text(model: AppliedModel, is_used: bool) -> str:
    """Return the line of a model: in use or not, its method, what it gives, since when."""
    since = time.strftime("%d %b %H:%M", time.localtime(model.time)) if model.time else "from the beginning"
    kind = f"{method_title(model.shelf, model.method)}, {KINDS[model.shelf]}"
    gone = " · file is gone" if model.missing else ""
    return f"{'●' if is_used else '○'} {kind} · {since}{gone}"
