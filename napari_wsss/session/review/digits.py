"""Which class each digit key paints: the shown image's own labels first, then the rest of the class list.

While an image is shown a digit never changes its class under the hand, but where the person edits that image's labels:
a label that is added comes next after those the image had, so theirs stay; one that is removed keeps its digit until
another image is shown, so that adding it again, or undo, changes nothing. What other images are labelled with, and
renaming a class, changes nothing either.
"""

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.session.table.opened import Opened

MOST_DIGITS = 9
"""Classes with a digit; 0 is background."""


class Digits:
    """The digits of the classes, for the shown image.

    Parameters
    ----------
    opened : Opened
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._shown: tuple[object, str] = (None, "")  # project and image that the digits were given for
        self._first: list[int] = []  # mask values of the image's labels, in the order of their digits

    def follow(self, _image_id: str = "") -> None:
        """Give the digits anew where another image is shown than before, else the next ones to labels that were added.

        Called for every image that is shown and every edit of labels.
        """
        table = self._opened.or_none
        if table is None:
            self._shown, self._first = (None, ""), []
            return
        record, names = table.shown.record, table.shown.classes.names
        if self._shown != (table.project, record.id):
            self._shown, self._first = (table.project, record.id), []
        for value, name in enumerate(names, start=1):
            if name in record.labels and value not in self._first:
                self._first.append(value)

    @property
    def order(self) -> tuple[int, ...]:
        """Mask values of all classes: the first has digit 1, the second 2 ...; those from the tenth on have none."""
        table = self._opened.or_none
        if table is None:
            return ()
        values = [table.classes.mask_value(name) for name in table.classes.current]
        first = [value for value in self._first if value in values]
        return (*first, *(value for value in values if value not in first))

    def value_of(self, digit: int) -> int | None:
        """Return the mask value that a digit (0 to 9) paints, None where there is no such class."""
        if digit == 0:
            return BACKGROUND
        order = self.order
        return order[digit - 1] if digit <= min(len(order), MOST_DIGITS) else None

    def digit_of(self, value: int) -> int | None:
        """Return the digit that paints a mask value, None for ignore and classes beyond the ninth."""
        if value == BACKGROUND:
            return 0
        known = self.order[:MOST_DIGITS]
        return known.index(value) + 1 if value in known else None
