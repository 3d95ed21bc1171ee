"""Clusters (sub-categories) as one table: which image is in which cluster of which class."""

import csv
import io
from typing import ClassVar

from napari_wsss.exchange.writers.base import Item, Kind, Writer

NAME = "clusters.csv"
COLUMNS = ("image", "class", "cluster", "distance")


class ClustersCsv(Writer):
    """``clusters.csv``: a line for each image and class, with the distance to the cluster's centre."""

    title = "Clusters (CSV)"
    judge: ClassVar[str] = "Python's csv"
    kind: ClassVar[Kind] = "clusters"

    def begin(self) -> None:
        """Begin the table."""
        self._text = io.StringIO()
        self._table = csv.writer(self._text, lineterminator="\n")
        self._table.writerow(COLUMNS)

    def add(self, item: Item) -> None:
        """Add the lines of one image."""
        for row in item.clusters:
            name = self.classes.names[row.class_index]
            self._table.writerow([item.id, name, row.cluster, f"{row.distance:.6g}"])

    def finish(self) -> None:
        """Write the table."""
        self.put(NAME, self._text.getvalue())
