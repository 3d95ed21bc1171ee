"""What happens when napari closes or the dock is taken away: nothing is lost, and only training is asked about."""

from typing import Literal

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.stubs import united

Answer = Literal["leave", "stop", "cancel"]


def ask_about_training(parent: QWidget) -> Answer:
    """Ask what becomes of the running training: leave it running, stop it, or do not close."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setText("A training run is going on.")
    box.setInformativeText(
        "It can go on without napari; the panel finds it again. Stopped, it can be resumed from its last checkpoint."
    )
    leave = box.addButton("Leave running", QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton("Stop it", QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(cancel)
    box.exec()
    answers: dict[object, Answer] = {leave: "leave", stop: "stop"}
    return answers.get(box.clickedButton(), "cancel")


def ask_about_unsaved(parent: QWidget, reason: str) -> bool:
    """Ask whether to close although the mask could not be written; the safe answer is the default."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("Not saved")
    box.setTextFormat(Qt.TextFormat.PlainText)  # before the text: a path may look like markup
    box.setText(f"The mask of this image could not be saved:\n{reason}\n\nClose and lose the last strokes?")
    box.setStandardButtons(united(QMessageBox.StandardButton.Discard, QMessageBox.StandardButton.Cancel))
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    return bool(box.exec() == QMessageBox.StandardButton.Discard)


def may_close(session: Session, parent: QWidget) -> bool:
    """Return whether the window may close now; everything is flushed already."""
    state = session.table.save_state if session.table is not None else None
    if state is not None and not state.safe and not ask_about_unsaved(parent, state.message):
        return False
    if not session.training.running:
        return True
    answer = ask_about_training(parent)
    if answer == "stop":
        session.training.stop()
        session.training.wait(STOP_SECONDS)
    return answer != "cancel"


STOP_SECONDS = 15.0
