"""Who made each pixel of exported masks: a PNG beside each mask, and one table that says what its values mean."""

import csv
import io
import json
from pathlib import Path

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish_bytes
from napari_wsss.core.inside import below
from napari_wsss.core.masks import write_mask
from napari_wsss.core.sources import PERSON, Sources
from napari_wsss.project.sourced_masks import decode_sourced

SOURCES_FOLDER = "sources"
TABLE_NAME = "sources.csv"
COLUMNS = ("mask", "value", "share", "who", "details")


def read_sources(path: Path) -> Sources:
    """Return who made the pixels of a mask file; a person where the file does not say it.

    Raises
    ------
    ProjectError
        When the file is missing or damaged.
    """
    try:
        values, sources, _ = decode_sourced(path.read_bytes(), str(path))
    except OSError as reason:
        raise ProjectError(f"Cannot read the mask file {path} ({reason.strerror}).") from reason
    return sources or Sources.uniform(values.shape, PERSON)


class SourcesExport:
    """Writes the folder ``sources`` of an export.

    Parameters
    ----------
    folder : Path
        The export's folder.
    classes : ClassList
        Whose palette the PNGs get, only to be looked at: 0 nobody, 1 a person, the others as the table says.
    """

    def __init__(self, folder: Path, classes: ClassList) -> None:
        self._folder, self._classes = folder / SOURCES_FOLDER, classes
        self._rows: list[tuple[str, int, str, str, str]] = []

    def add(self, name: str, sources: Sources) -> None:
        """Write the sources of the mask `name` (its path below the mask folder, without suffix)."""
        write_mask(below(self._folder, f"{name}.png"), sources.values, self._classes)
        for value, share in sorted(sources.shares().items()):
            source = sources.source_of(value)
            details = json.dumps(source.to_dict(), ensure_ascii=False) if source else ""
            who = "a person" if value == PERSON else sources.text_of(value)
            self._rows.append((name, value, f"{share:.6f}", who, details))

    def write_table(self) -> None:
        """Write what the values mean, one line for each value of each mask."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(self._rows)
        publish_bytes(self._folder / TABLE_NAME, text.getvalue().encode())
