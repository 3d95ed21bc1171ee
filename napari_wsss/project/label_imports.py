"""Labels of many images set at once from a file, and taken back at once.

The journal keeps each image's labels before and after; a last entry without an image says that they belong together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from napari_wsss.project.catalog import Catalog
from napari_wsss.project.database import Database
from napari_wsss.project.journal import Entry, Journal
from napari_wsss.project.records import ImageRecord

NEGATIVE = "none of the classes"
"""In a journal entry of labels, in place of a list of names."""


class Said(NamedTuple):
    """What is said of the classes in an image.

    Parameters
    ----------
    labels : frozenset of str
        Classes that are there.
    negative : bool
        It is labelled *none of the classes*.
    unknown : frozenset of str
        Classes that may or may not be there.
    """

    labels: frozenset[str]
    negative: bool = False
    unknown: frozenset[str] = frozenset()

    @classmethod
    def of(cls, record: ImageRecord) -> Said:
        """Return what is said of an image."""
        return cls(record.labels, record.negative, record.unknown)

    @classmethod
    def from_journal(cls, kept: Any) -> Said:
        """Return what a journal entry of labels keeps."""
        if isinstance(kept, dict):
            return cls(frozenset(kept["labels"]), unknown=frozenset(kept["unknown"]))
        return cls(frozenset(), negative=True) if kept == NEGATIVE else cls(frozenset(kept))

    def as_journaled(self) -> list[str] | str | dict[str, list[str]]:
        """Return it as the journal keeps it: names alone, unless nothing is there or something is not known."""
        if self.unknown:
            return {"labels": sorted(self.labels), "unknown": sorted(self.unknown)}
        return NEGATIVE if self.negative and not self.labels else sorted(self.labels)


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
        changes : mapping of image id to Said
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
                self._set(image_id, said)
                self._journal.append("labels", image_id, Said.of(record).as_journaled(), said.as_journaled())
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
                if Said.of(self._catalog.get(entry.image_id)).as_journaled() != entry.after:
                    edited.append(entry.image_id)
                    continue
                self._set(entry.image_id, Said.from_journal(entry.before))
                self._journal.append("labels", entry.image_id, entry.after, entry.before)
                back.append(entry.image_id)
            self._journal.mark_undone(found.number)
        return tuple(back), tuple(edited)

    def _set(self, image_id: str, said: Said) -> None:
        labels, unknown = self._catalog.names_now(said.labels), self._catalog.names_now(said.unknown)
        self._catalog.set_labels(image_id, labels, negative=said.negative, unknown=unknown - labels)

    def _newest(self) -> int:
        newest = self._journal.recent(1)
        return newest[0].number if newest else 0

    def _last(self) -> Entry | None:
        found = self._journal.last_whole("labels")
        return found if found is not None and _is_end(found) else None


def _is_end(entry: Entry) -> bool:
    wanted: list[tuple[Any, str]] = [(entry.before, "since"), (entry.after, "images")]
    return all(isinstance(part, dict) and isinstance(part.get(name), int) for part, name in wanted)
