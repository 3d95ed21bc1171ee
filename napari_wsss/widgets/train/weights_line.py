"""What stands there while a training lacks its trunk's weights: what is missing, and the ways on.

What a person can do with it: give a file, train from random weights, or ask again once there is a network. Each goes on
with the training that was asked for, and the choice stays with the project.
"""

from collections.abc import Callable

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_wsss.core.trunk_choice import SCRATCH
from napari_wsss.session.runs.trunk_weights import TrunkWeights
from napari_wsss.widgets.controls.basic import bring_into_view, button, column, row, soon, text_label
from napari_wsss.widgets.controls.colours import WRONG
from napari_wsss.widgets.controls.listening import listen

FIELD = "Encoder weights"
WEIGHTS_FILES = "Weights (*.pth *.pt *.safetensors *.params);;All files (*)"
FILE_TIP = "Weights of this encoder in a file: any published format; remembered for this project"
SCRATCH_TIP = "Random weights and the options that suit them: learns more slowly, and less; remembered for this project"
AGAIN_TIP = "Look for them again"


class WeightsLine(QWidget):
    """There while something is missing.

    Parameters
    ----------
    weights : TrunkWeights
    again : callable
        Starts what could not be started.
    """

    def __init__(self, weights: TrunkWeights, again: Callable[[], object], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._weights, self._again = weights, again
        self.text = text_label()
        self.text.tint(WRONG, bold=True)
        self.file = button("Choose a file …", self._choose_file, FILE_TIP)
        self.scratch = button("From scratch", lambda: self._go_on(SCRATCH), SCRATCH_TIP)
        self.retry = button("Try again", again, AGAIN_TIP)
        self.setLayout(column(self.text, row(self.file, self.scratch, self.retry, 1)))
        listen(self, (weights.changed, self.refresh))
        self.refresh()

    def refresh(self) -> None:
        """Show what is missing, or nothing."""
        missing = self._weights.missing
        self.text.setText(f"{FIELD}: {missing}")
        self.setVisible(bool(missing))
        if missing:
            soon(self, lambda: bring_into_view(self))  # it has a place by then

    def _choose_file(self) -> None:
        chosen = asked_file(self)
        if chosen:
            self._go_on(chosen)

    def _go_on(self, source: str) -> None:
        if self._weights.choose(source):
            self._again()


def asked_file(parent: QWidget) -> str:
    """Return the weights file that a person chose, "" when none."""
    chosen, _ = QFileDialog.getOpenFileName(parent, FIELD, "", WEIGHTS_FILES)
    return str(chosen)
