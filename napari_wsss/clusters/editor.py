"""The gestures of a person who looks through clusters: move, merge, split, rename, not this class, another class.

Every gesture is one record of the project's journal (see `cluster_edits`) and can be taken back.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_wsss.clusters.edits import KIND, ClusterEdit, as_left
from napari_wsss.clusters.found import ClassClusters, Clusters, place_names
from napari_wsss.core.errors import LabelError
from napari_wsss.project.label_imports import Said
from napari_wsss.project.project import Project

_ANCHORS = 20
_ITERATIONS = 50


class ClusterEditor:
    """Changes the clusters of one project.

    Parameters
    ----------
    project : Project
        Open for writing.
    machine : Clusters
        What a machine found (`clusters.latest_clusters`); not changed.
    """

    def __init__(self, project: Project, machine: Clusters) -> None:
        self._project, self._machine = project, machine

    def shown(self) -> Clusters:
        """Return the clusters as they are now, changes included."""
        return as_left(self._project, self._machine)

    def move(self, image_ids: Sequence[str], class_name: str, to: str) -> ClusterEdit:
        """Put images of a class into its cluster `to`.

        Raises
        ------
        LabelError
            When there is no such cluster, or an image is not among the class's.
        """
        found = self.shown().of(class_name)
        place = found.place(to)
        _check_inside(found, image_ids)
        text = f"{class_name}: {_listed(image_ids)} moved to {to}"
        return self._record("move", found, dict.fromkeys(image_ids, place), {}, text)

    def merge(self, class_name: str, clusters: Sequence[str]) -> ClusterEdit:
        """Make several clusters of a class one, which keeps the name of the first.

        Raises
        ------
        LabelError
            When one of them is not there, or there are fewer than two.
        """
        found = self.shown().of(class_name)
        places = list(dict.fromkeys(found.place(name) for name in clusters))
        if len(places) < 2:
            raise LabelError(f"Merging takes at least two clusters of {class_name!r}; found {len(places)}.")
        together = {image_id: places[0] for place in places for image_id in found.members(place)}
        plain = place_names(self._machine.count)
        # A place that falls empty loses its name: what is found there next is something else.
        names = {place: plain[place] for place in places[1:] if plain[place] not in found.names}
        return self._record("merge", found, together, names, f"{class_name}: {_listed(clusters)} merged")

    def split(
        self, class_name: str, cluster: str, image_ids: Sequence[str] | None = None, name: str = ""
    ) -> ClusterEdit:
        """Make a new cluster of some images of a cluster, or of the half that is farther from the rest (2-means).

        Parameters
        ----------
        image_ids : sequence of str, optional
            The images of the new cluster.
        name : str
            Its name; its number where none is given.

        Raises
        ------
        LabelError
            When it cannot be split, the class has no free place, or the name is taken.
        """
        found = self.shown().of(class_name)
        members = found.members(found.place(cluster))
        _check_inside(found, image_ids or ())
        leaving = _smaller_half(found, members) if image_ids is None else tuple(image_ids)
        outside = sorted(set(leaving) - set(members))
        if outside:
            raise LabelError(f"{_listed(outside)} is not in the cluster {cluster!r} of {class_name!r}; move it first.")
        if not 0 < len(set(leaving)) < len(members):
            raise LabelError(
                f"The cluster {cluster!r} of {class_name!r} cannot be split so: {len(set(leaving))} of its "
                f"{len(members)} images would leave it. Choose some of them, not all."
            )
        place = self._free_place(found)
        names = {place: self._new_name(found, place, name)} if name else {}
        places = dict.fromkeys(members, found.place(cluster)) | dict.fromkeys(leaving, place)
        return self._record("split", found, places, names, f"{class_name}: {cluster} split")

    def rename(self, class_name: str, cluster: str, name: str) -> ClusterEdit:
        """Give a cluster of a class another name; raise `LabelError` when it is taken or empty."""
        found = self.shown().of(class_name)
        place = found.place(cluster)
        names = {place: self._new_name(found, place, name)}
        return self._record("rename", found, {}, names, f"{class_name}: {cluster} renamed to {name}")

    def not_this_class(self, image_ids: Sequence[str], class_name: str) -> ClusterEdit:
        """Take images out of a class: its clusters, and its image-level label (journaled).

        Of an image that loses its only label, the other classes become unknown: nobody said that they are not there.
        """
        found = self.shown().of(class_name)
        _check_inside(found, image_ids)
        text = f"{_listed(image_ids)} is not {class_name}"
        edit = self._record("not_this_class", found, {}, {}, text, tuple(image_ids))
        self._label(edit, present=False)
        return edit

    def another_class(self, image_ids: Sequence[str], class_name: str, to: str) -> ClusterEdit:
        """Take images out of a class and label them with another one instead (journaled).

        Raises
        ------
        LabelError
            When there is no such other class, or an image is not among the class's.
        """
        found = self.shown().of(class_name)
        _check_inside(found, image_ids)
        if self._project.classes.index(to) == self._project.classes.index(class_name):
            raise LabelError(f"The images are {class_name!r} already; name another class.")
        text = f"{_listed(image_ids)} is {to}, not {class_name}"
        edit = self._record("another_class", found, {}, {}, text, tuple(image_ids))
        self._label(edit, present=False, instead=to)
        return edit

    def undo(self) -> ClusterEdit | None:
        """Take back the last change, labels included, and return it; None when there is none."""
        entry = self._project.journal.last((KIND,))
        if entry is None:
            return None
        edit = ClusterEdit.from_entry(entry)
        before = self._scopes()
        self._project.journal.mark_undone(entry.number)
        self._label(edit, present=True)
        self._keep_parameters(before)
        return edit

    # -- what gestures have in common ---------------------------------------------------------------------

    def _record(
        self,
        edit: str,
        found: ClassClusters,
        places: dict[str, int],
        names: dict[int, str],
        text: str,
        removed: tuple[str, ...] = (),
    ) -> ClusterEdit:
        touched = {*places.values(), *(place for place in names if place in found.filled())}
        anchors = {
            image_id: place
            for place in sorted(touched)
            for image_id in found.members(place, _ANCHORS)
            if image_id not in places
        }
        index = self._project.classes.index(found.name)
        change = ClusterEdit(edit, index, places, names, removed, anchors, text)
        before = self._scopes()
        # No image is named: working on clusters is not working on an image's mask.
        entry = self._project.journal.append(KIND, None, None, change.to_dict())
        self._keep_parameters(before)
        return ClusterEdit.from_entry(entry)

    def _scopes(self) -> list[str]:
        """Return the scope of the parameters of every place of every class, in a fixed order."""
        return [f"cluster:{name}" for found in self.shown().classes for name in found.full_names()]

    def _keep_parameters(self, before: list[str]) -> None:
        """Let parameters that were set for clusters follow their clusters' names."""
        renamed = {old: new for old, new in zip(before, self._scopes(), strict=True) if old != new}
        self._project.set_plan(self._project.plan.with_scopes_renamed(renamed))

    def _label(self, edit: ClusterEdit, *, present: bool, instead: str = "") -> None:
        name = self._project.classes.names[edit.class_index]
        before = self._labels_before(edit) if present else {}
        for image_id in edit.removed:
            now = Said.of(self._project.catalog.get(image_id))
            earlier, then = before.get(image_id, (now, None))
            if instead:
                after = Said(now.labels - {name} | {instead}, False, now.unknown - {name, instead})
            elif not present:
                after = _without(now, name, self._project.classes.names)
            elif now == then:
                after = earlier
            else:  # labelled anew meanwhile
                after = Said(now.labels | {name}, False, now.unknown - {name})
            self._project.set_labels(image_id, after.labels, negative=after.negative, unknown=after.unknown)

    def _labels_before(self, edit: ClusterEdit) -> dict[str, tuple[Said, Said]]:
        """Return what was said of the images that lost a label, before that and then."""
        entries = self._project.journal.entries(edit.number, len(edit.removed), ("labels",))
        return {
            entry.image_id or "": (Said.from_journal(entry.before), Said.from_journal(entry.after)) for entry in entries
        }

    def _new_name(self, found: ClassClusters, place: int, name: str) -> str:
        """Return `name` without spaces around it; `LabelError` when it is empty or not unique in the project."""
        name = name.strip()
        own = {other for at, other in enumerate(found.names) if at != place}
        others = {
            other
            for one in self.shown().classes
            for at, other in enumerate(one.full_names())
            if (one.name, at) != (found.name, place)
        }
        if not name or '"' in name or name in own | others:
            raise LabelError(
                f"A cluster of {found.name!r} cannot be called {name!r}; give a name without quotes that is not taken: "
                f"{', '.join(sorted(own))} are, and those of other classes' clusters."
            )
        return name

    def _free_place(self, found: ClassClusters) -> int:
        free = [place for place in range(self._machine.count) if place not in found.filled()]
        if not free:
            raise LabelError(
                f"All {self._machine.count} clusters of {found.name!r} are in use. Merge two of them first, or find "
                "(train with) more sub-categories."
            )
        return free[0]


def _without(said: Said, name: str, classes: Sequence[str]) -> Said:
    """Return what is said without a class; who takes the only label away does not say that the others are not there."""
    labels, unknown = said.labels - {name}, said.unknown - {name}
    if not labels and not unknown:
        unknown = frozenset(classes) - {name}
    return Said(labels, not labels and not unknown, unknown)


def _check_inside(found: ClassClusters, image_ids: Sequence[str]) -> None:
    unknown = sorted(set(image_ids) - set(found.image_ids))
    if unknown:
        raise LabelError(f"{_listed(unknown)} is not among the clustered images of {found.name!r}.")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _smaller_half(found: ClassClusters, members: Sequence[str]) -> tuple[str, ...]:
    """Return the smaller of two halves of some images, none when they are all alike.

    2-means, begun from the two sides of the direction in which they differ most.
    """
    rows = {image_id: row for row, image_id in enumerate(found.image_ids)}
    values = found.coordinates[[rows[image_id] for image_id in members]].astype(np.float64)
    second = _two_means(values)
    if second.sum() * 2 > len(second):
        second = ~second
    return tuple(image_id for image_id, leaves in zip(members, second, strict=True) if leaves)


def _two_means(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of the values (n,D) belong to the second of two clusters (n,)."""
    centred = values - values.mean(0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    second = centred @ directions[0] > 0
    for _ in range(_ITERATIONS):
        if second.all() or not second.any():
            break
        centres = [values[~second].mean(0), values[second].mean(0)]
        first, other = (((values - centre) ** 2).sum(1) for centre in centres)
        if np.array_equal(other < first, second):
            break
        second = other < first
    return np.asarray(second, bool)
