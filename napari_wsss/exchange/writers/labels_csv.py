"""Image-level labels as one table, which is read back by itself."""

from typing import ClassVar

from napari_wsss.exchange.accepted_masks import LABELS_NAME, table_of
from napari_wsss.exchange.writers.base import Item, Kind, Writer
from napari_wsss.project.records import ImageRecord


class LabelsCsv(Writer):
    """``labels.csv``: a line for each image with its labels and its split, as beside every export."""

    title = "Labels (CSV)"
    judge: ClassVar[str] = "Python's csv"
    kind: ClassVar[Kind] = "labels"

    def begin(self) -> None:
        """Begin the table."""
        self._records: list[ImageRecord] = []

    def add(self, item: Item) -> None:
        """Add the line of one image."""
        self._records.append(item.record)

    def finish(self) -> None:
        """Write the table."""
        self.put(LABELS_NAME, table_of(self._records, self.classes.names, any(one.unknown for one in self._records)))
