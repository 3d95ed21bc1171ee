"""Labels of many images set at once from a file, and taken back at once.

The journal keeps each image's labels before and after; a last entry without an image says that they belong together.
"""

from collections.abc import Mapping
from typing import Any

from napari_wsss.project.catalog import Catalog
from napari_wsss.project.database import Database
from napari_wsss.project.journal import Entry, Journal

NEGATIVE = "none of the classes"
"""In a journal entry of labels, in place of a list of names."""
Said = tuple[frozenset[str], bool]
"""Labels, and whether an image is labelled *none of the classes*."""


def as_journaled(said: Said) -> list[str] | str:
    """Return labels as the journal keeps them: no list of names where a person said that nothing is there."""
    labels, negative = said
    return NEGATIVE if negative and not labels else sorted(labels)


class LabelImports:
    """Labels that came from files, in one project.

    Parameters
    ----------
    database, catalog, journal
        Of the same project.
    """

    def __init__(self, database: Database, catalog: Catalog, journal: Journal) -> None:
        self._database, self._catalog, self._journal = database, catalog, journal

    def take(self, changes: Mapping[str, Said], source: str) -> int:
        """Set the labels of images, in one transaction; return how many.

        Parameters
        ----------
        changes : mapping of image id to (labels, negative)
        source : str
            Where they come from, in words.

        Raises
        ------
        LabelError
            When a label is no class of the project; nothing is changed then.
        """
        with self._database.transaction():
            first = self._newest()
            for image_id, said in changes.items():
                record = self._catalog.get(image_id)
                self._catalog.set_labels(image_id, said[0], negative=said[1])
                before = as_journaled((record.labels, record.negative))
                self._journal.append("labels", image_id, before, as_journaled(said))
            if changes:
                self._journal.append("labels", None, {"since": first}, {"source": source, "images": len(changes)})
        return len(changes)

    @property
    def last(self) -> str:
        """Where the labels came from that `take_back` would take back, in words; "" for none."""
        found = self._last()
        return str(found.after.get("source", "")) if found else ""

    def take_back(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Give the images of the last import the labels they had; those edited since stay.

        Returns
        -------
        tuple of str, tuple of str
            The ids of the images that have their labels back, and of those that were edited since.
        """
        found = self._last()
        if found is None:
            return (), ()
        back: list[str] = []
        edited: list[str] = []
        with self._database.transaction():
            entries = self._journal.entries(int(found.before["since"]), int(found.after["images"]), ("labels",))
            for entry in entries:
                if entry.image_id is None:
                    continue
                record = self._catalog.get(entry.image_id)
                if as_journaled((record.labels, record.negative)) != entry.after:
                    edited.append(entry.image_id)
                    continue
                negative = entry.before == NEGATIVE
                labels = frozenset() if negative else frozenset(entry.before)
                self._catalog.set_labels(entry.image_id, labels, negative=negative)
                self._journal.append("labels", entry.image_id, entry.after, entry.before)
                back.append(entry.image_id)
            self._journal.mark_undone(found.number)
        return tuple(back), tuple(edited)

    def _newest(self) -> int:
        newest = self._journal.recent(1)
        return newest[0].number if newest else 0

    def _last(self) -> Entry | None:
        found = self._journal.last_whole("labels")
        return found if found is not None and _is_end(found) else None


def _is_end(entry: Entry) -> bool:
    wanted: list[tuple[Any, str]] = [(entry.before, "since"), (entry.after, "images")]
    return all(isinstance(part, dict) and isinstance(part.get(name), int) for part, name in wanted)
