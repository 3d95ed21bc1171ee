"""A person's changes of clusters: records in the project's journal, laid over whatever a machine found.

A record says which images a person put into which place of their class and what a place is called. That holds for
every later clustering too, and for one made after the results were deleted. Which images have the class at all is
said by the image-level labels alone. The machine's files are never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.clusters.found import ClassClusters, Clusters, latest_clusters, no_clusters
from napari_wsss.project.image_clusters import ClusterRow
from napari_wsss.project.journal import Entry, Kind
from napari_wsss.project.project import Project

KIND: Kind = "cluster"
_ALL = 2**31


@dataclass(frozen=True)
class ClusterEdit:
    """One change.

    Parameters
    ----------
    edit : str
        ``move``, ``merge``, ``split``, ``rename``, ``not_this_class`` or ``another_class``.
    class_index : int
        The class, by its position: that never changes, while its name may.
    places : mapping of str to int
        Image id -> the place a person put it into.
    names : mapping of int to str
        Place -> its name from now on.
    removed : tuple of str
        Images that lost the class's label with it.
    anchors : mapping of str to int
        Images that were in the middle of a changed place; a later clustering finds the place again by them.
    text : str
        What was done, in the names of that time.
    number : int
        Of the journal's entry.
    """

    edit: str
    class_index: int
    places: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    anchors: Mapping[str, int] = field(default_factory=dict)
    text: str = ""
    number: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "edit": self.edit,
            "class": self.class_index,
            "places": dict(self.places),
            "names": {str(place): name for place, name in self.names.items()},
            "removed": list(self.removed),
            "anchors": dict(self.anchors),
            "text": self.text,
        }

    @classmethod
    def from_entry(cls, entry: Entry) -> ClusterEdit:
        """Return the change that an entry of the journal holds."""
        record = entry.after
        return cls(
            record["edit"],
            int(record["class"]),
            dict(record["places"]),
            {int(place): name for place, name in record["names"].items()},
            tuple(record["removed"]),
            dict(record["anchors"]),
            record["text"],
            entry.number,
        )


def edits_of(project: Project) -> tuple[ClusterEdit, ...]:
    """Return the changes that were not taken back, oldest first; an entry that is damaged is none."""
    entries = project.journal.recent(_ALL, (KIND,))
    found = (_read(entry) for entry in reversed(entries) if not entry.undone)
    return tuple(edit for edit in found if edit is not None)


def _read(entry: Entry) -> ClusterEdit | None:
    try:
        return ClusterEdit.from_entry(entry)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def as_left(project: Project, machine: Clusters) -> Clusters:
    """Return a project's clusters as a person left them: what a gallery shows and the next round learns from.

    Changes are laid over; images without the class's label are left out; classes are those of today.
    """
    changed = effective(machine, edits_of(project))
    classes = []
    for k, name in enumerate(project.classes.names):
        found = changed.classes[k] if k < len(changed.classes) else no_clusters(name, changed.count)
        classes.append(replace(_only(found, set(project.catalog.ids(label=name))), name=name))
    return replace(changed, classes=tuple(classes))


def refresh_image_clusters(project: Project) -> Clusters | None:
    """Bring the project's table of image clusters after the newest result, as a person left it, and return that.

    Without a result the table becomes empty and None is returned. Call it after every new result and every change of
    clusters; calling it once too often writes nothing.

    Raises
    ------
    ProjectError
        When the table would change and the project is open read-only.
    """
    machine = latest_clusters(project.results_folder)
    shown = as_left(project, machine) if machine is not None else None
    project.catalog.clusters.replace(table_rows(shown) if shown is not None else ())
    return shown


def table_rows(shown: Clusters) -> Iterator[ClusterRow]:
    """Yield the rows of the table of image clusters that clusters stand for."""
    for k, found in enumerate(shown.classes):
        names = found.full_names()
        for image_id, place, distance in zip(found.image_ids, found.assignment, found.distances, strict=True):
            yield ClusterRow(image_id, k, names[place], float(distance))


def effective(clusters: Clusters, edits: Iterable[ClusterEdit]) -> Clusters:
    """Return the clusters with a person's changes laid over, oldest first."""
    by_class: dict[int, list[ClusterEdit]] = {}
    for edit in edits:
        by_class.setdefault(edit.class_index, []).append(edit)
    changed = (_changed(found, by_class.get(k, ()), clusters.count) for k, found in enumerate(clusters.classes))
    return replace(clusters, classes=tuple(changed))


def _changed(found: ClassClusters, edits: Sequence[ClusterEdit], count: int) -> ClassClusters:
    rows = {image_id: row for row, image_id in enumerate(found.image_ids)}
    assignment, by_person, names = found.assignment.copy(), found.by_person.copy(), list(found.names)
    for edit in edits:
        for image_id, place in edit.places.items():
            if image_id in rows and place < count:
                assignment[rows[image_id]], by_person[rows[image_id]] = place, True
        for place, name in edit.names.items():
            if place < count:
                names[place] = name
    distances = _distances(found, assignment)
    return replace(found, assignment=assignment, by_person=by_person, names=tuple(names), distances=distances)


def _only(found: ClassClusters, image_ids: set[str]) -> ClassClusters:
    there = np.asarray([image_id in image_ids for image_id in found.image_ids], bool)
    return replace(
        found,
        image_ids=tuple(image_id for image_id in found.image_ids if image_id in image_ids),
        assignment=found.assignment[there],
        distances=found.distances[there],
        coordinates=found.coordinates[there],
        projection=found.projection[there],
        by_person=found.by_person[there],
    )


def _distances(found: ClassClusters, assignment: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the distances (n,) from the centres, measured anew, in the coordinates, where clusters have changed."""
    distances = found.distances.copy()
    moved = assignment != found.assignment
    for place in np.unique([found.assignment[moved], assignment[moved]]):
        inside = assignment == place
        if inside.any():
            centre = found.coordinates[inside].mean(0)
            distances[inside] = np.linalg.norm(found.coordinates[inside] - centre, axis=1)
    return distances


def known_places(edits: Iterable[ClusterEdit], class_index: int) -> dict[str, int]:
    """Return where a person's changes say that images of a class belong: what a new clustering is matched with."""
    places: dict[str, int] = {}
    for edit in edits:
        if edit.class_index == class_index:
            places |= edit.anchors
            places |= edit.places
    return places
