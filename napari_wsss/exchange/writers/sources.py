"""Who made each pixel of exported masks: a PNG beside each mask, and one table that says what its values mean."""

import csv
import io
import json
from typing import ClassVar

from napari_wsss.core.masks import encode_mask
from napari_wsss.core.sources import PERSON
from napari_wsss.exchange.writers.base import Item, Writer

SOURCES_FOLDER = "sources"
TABLE_NAME = "sources.csv"
COLUMNS = ("mask", "value", "share", "who", "details")


class Provenance(Writer):
    """``sources``: PNGs in which 0 is nobody, 1 a person and the others what ``sources.csv`` says."""

    title = "Who made each pixel"
    judge: ClassVar[str] = "Pillow"
    beside: ClassVar[bool] = True

    def begin(self) -> None:
        """Begin the table."""
        self._text = io.StringIO()
        self._table = csv.writer(self._text, lineterminator="\n")
        self._table.writerow(COLUMNS)

    def add(self, item: Item) -> None:
        """Write the sources of one mask, and a line for each value in it."""
        sources = item.sources
        self.put(f"{SOURCES_FOLDER}/{item.name}.png", encode_mask(sources.values, self.classes))
        for value, share in sorted(sources.shares().items()):
            source = sources.source_of(value)
            details = json.dumps(source.to_dict(), ensure_ascii=False) if source else ""
            who = "a person" if value == PERSON else sources.text_of(value)
            self._table.writerow([item.name, value, f"{share:.6f}", who, details])

    def finish(self) -> None:
        """Write what the values mean."""
        self.put(f"{SOURCES_FOLDER}/{TABLE_NAME}", self._text.getvalue())
