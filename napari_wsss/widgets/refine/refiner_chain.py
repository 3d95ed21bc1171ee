"""The refiners of a project as a list: ticked ones run, top to bottom.

What a person can do with it: switch steps on and off, drag them into another order.
"""

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem

from napari_wsss.core.plan import Step
from napari_wsss.core.registry import method_names, method_title
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import soon
from napari_wsss.widgets.controls.stubs import certain, without

METHOD = Qt.ItemDataRole.UserRole
HEIGHT = 96  # pixels


class RefinerChain(QListWidget):
    """Every known refiner, those of the plan first.

    Parameters
    ----------
    session : Session
    before : callable
        Called before the plan is changed: what was typed elsewhere is to be kept first.
    """

    def __init__(self, session: Session, before: Callable[[], object]) -> None:
        super().__init__()
        self._session, self._before = session, before
        self._quiet = False
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMaximumHeight(HEIGHT)
        self.setToolTip("Ticked steps run on every image, top to bottom; drag to reorder")
        self.itemChanged.connect(lambda _item: self.take_over())
        certain(self.model()).rowsMoved.connect(lambda *_: self.take_over())

    def refresh(self) -> None:
        """Show the plan's refiners."""
        self._quiet = True
        self.clear()
        chosen = [step.method for step in self._session.plan.refiners]
        for method in [*chosen, *(name for name in method_names("refine") if name not in chosen)]:
            item = QListWidgetItem(method_title("refine", method))
            item.setData(METHOD, method)
            item.setFlags(without(item.flags() | Qt.ItemFlag.ItemIsUserCheckable, Qt.ItemFlag.ItemIsDropEnabled))
            item.setCheckState(Qt.CheckState.Checked if method in chosen else Qt.CheckState.Unchecked)
            self.addItem(item)
        self.setEnabled(self._session.project is not None)
        self._quiet = False

    def take_over(self) -> None:
        """Make what is ticked the plan's refiners."""
        if self._quiet:
            return
        items = [certain(self.item(position)) for position in range(self.count())]
        methods = [item.data(METHOD) for item in items if item.checkState() == Qt.CheckState.Checked]
        # Later: the list must not be rebuilt inside its own signal.
        soon(self, lambda: self._set_refiners(methods))

    def _set_refiners(self, methods: list[str]) -> None:
        self._before()
        known = {step.method: step for step in self._session.plan.refiners}
        if not self._session.parameters.set_refiners([known.get(method, Step(method)) for method in methods]):
            self.refresh()  # refused: show what counts
