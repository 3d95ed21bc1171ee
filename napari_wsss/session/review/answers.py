"""The answers to *mask and labels differ*: add the label, take it away, or accept all the same."""

from napari_wsss.session.review.decisions import Decisions
from napari_wsss.session.review.labels import Labels
from napari_wsss.session.review.mismatch import Mismatch, MismatchCheck


class Answers:
    """What a person may answer when accepting was held back; each answer accepts when nothing is left to ask.

    Parameters
    ----------
    check : MismatchCheck
    labels : Labels
    decisions : Decisions

    Attributes
    ----------
    check : MismatchCheck
    """

    def __init__(self, check: MismatchCheck, labels: Labels, decisions: Decisions) -> None:
        self.check, self._labels, self._decisions = check, labels, decisions

    @property
    def asked(self) -> Mismatch:
        """What is being asked about; false while nothing is."""
        return self.check.asked

    def add_labels(self) -> bool:
        """Make the painted classes labels, and accept."""
        added = [self._labels.add(name) for name in self.asked.extra]
        return all(added) and self._decisions.accept()

    def take_labels_away(self) -> bool:
        """Take away the labels of which there is no pixel, and accept."""
        taken = [self._labels.remove(name) for name in self.asked.missing]
        return all(taken) and self._decisions.accept()

    def accept_all_the_same(self) -> bool:
        """Accept, and ask no more about the same of these classes in this sitting."""
        self.check.agree()
        return self._decisions.accept()
