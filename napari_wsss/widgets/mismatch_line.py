"""The quiet line that is there while accepting was held back because mask and labels differ.

What a person can do with it: take the label away, add the label, or accept all the same, which is remembered for the
sitting. It never takes the focus; accepting once more accepts this image.
"""

from qtpy.QtWidgets import QWidget

from napari_wsss.session.review.answers import Answers
from napari_wsss.widgets.controls.basic import column, row, text_label, tool_button
from napari_wsss.widgets.controls.listening import listen


class MismatchLine(QWidget):
    """The question of the session's `Answers`, one button for each answer."""

    def __init__(self, answers: Answers, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answers = answers
        self.text = text_label()
        self.take = tool_button("Take label away", answers.take_labels_away, "The class is not in the image")
        self.add = tool_button("Add label", answers.add_labels, "The class is in the image")
        tip = "Ask no more about these classes in this sitting"
        self.keep = tool_button("Accept all the same", answers.accept_all_the_same, tip)
        self.setLayout(column(self.text, row(self.take, self.add, self.keep, 1)))
        listen(self, (answers.check.changed, self.refresh))
        self.refresh()

    def refresh(self) -> None:
        """Show what is asked about, or nothing."""
        asked = self._answers.asked
        self.text.setText(asked.text)
        self.take.setText("Take label away" if len(asked.missing) == 1 else "Take labels away")
        self.add.setText("Add label" if len(asked.extra) == 1 else "Add labels")
        self.take.setVisible(bool(asked.missing))
        self.add.setVisible(bool(asked.extra))
        self.setVisible(bool(asked))
