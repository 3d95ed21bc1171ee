"""Sub-categories of classes: which cluster of its class an image belongs to, as a result of its own.

A class has K places for clusters. A place is the identity of a cluster: it is the column of the network's head, and
later clusterings are put into the same places where they hold the same images. A place may be empty. What a
machine found lies in ``results/clusters-<key>/``; a person's changes are kept elsewhere (see `cluster_edits`).
"""

import io
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import LabelError
from napari_wsss.core.files import parsed_object, publish_bytes, publish_json
from napari_wsss.core.inside import below, not_through_links
from napari_wsss.core.provenance import Provenance
from napari_wsss.project.results.array_files import DAMAGE, read_arrays

STEP = "clusters"
FILE_NAME = "clusters.npz"
RECORD = "provenance.json"


@dataclass(frozen=True, eq=False)
class ClassClusters:
    """The clusters of one class's images.

    Parameters
    ----------
    name : str
        The class.
    image_ids : tuple of str
        The n images that have the class.
    assignment : (n,) int64
        Place of each image's cluster, 0 to K - 1.
    distances : (n,) float32
        From the centre of its cluster.
    coordinates : (n, D) float32
        The features' leading principal components.
    projection : (n, 2) float32
        Where each image is drawn.
    names : tuple of str
        Names of the K places.
    by_person : (n,) bool
        Whether a person put the image where it is.
    """

    name: str
    image_ids: tuple[str, ...]
    assignment: NDArray[np.int64]
    distances: NDArray[np.float32]
    coordinates: NDArray[np.float32]
    projection: NDArray[np.float32]
    names: tuple[str, ...]
    by_person: NDArray[np.bool_]

    def filled(self) -> tuple[int, ...]:
        """Return the places that have images, ascending."""
        return tuple(int(place) for place in np.unique(self.assignment))

    def full_names(self) -> tuple[str, ...]:
        """Return the names of the K places as they are unique in the project (see `full_name`)."""
        return tuple(full_name(self.name, place, name) for place, name in enumerate(self.names))

    def place(self, cluster: str) -> int:
        """Return the place of the cluster named `cluster`; raise `LabelError` listing the names when there is none."""
        for place in self.filled():
            if self.names[place] == cluster:
                return place
        known = ", ".join(self.names[place] for place in self.filled()) or "none"
        raise LabelError(f"The class {self.name!r} has no cluster {cluster!r}; it has: {known}.")

    def members(self, place: int, count: int | None = None) -> tuple[str, ...]:
        """Return the images of a cluster, those nearest to its centre first; at most `count`."""
        inside = np.flatnonzero(self.assignment == place)
        nearest = inside[np.argsort(self.distances[inside], kind="stable")]
        return tuple(self.image_ids[index] for index in nearest[:count])

    def places(self) -> dict[str, int]:
        """Return the place of every image by its id."""
        return dict(zip(self.image_ids, self.assignment.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class Clusters:
    """The clusters of all classes of a project.

    Parameters
    ----------
    classes : tuple of ClassClusters
        In the project's order; one without images has none.
    count : int
        Places per class (K).
    provenance : Provenance
        The model and the data they were found with.
    facts : mapping
        What a person may want to know, plain JSON types: the ``round`` that learns from them, the ``run``.
    made : float
        Seconds since 1970.
    """

    classes: tuple[ClassClusters, ...]
    count: int
    provenance: Provenance
    facts: Mapping[str, Any] = field(default_factory=dict)
    made: float = field(default_factory=time.time)

    def of(self, name: str) -> ClassClusters:
        """Return the clusters of a class; raise `LabelError` when there is no such class."""
        for found in self.classes:
            if found.name == name:
                return found
        known = ", ".join(found.name for found in self.classes)
        raise LabelError(f"There are no clusters of a class {name!r}; the classes are: {known}.")

    def columns(self) -> NDArray[np.bool_]:
        """Return which of the head's columns (C*K,) have images; column = class * K + place."""
        columns = np.zeros((len(self.classes), self.count), bool)
        for k, found in enumerate(self.classes):
            columns[k, list(found.filled())] = True
        return columns.ravel()

    def sub_labels(self, image_ids: Iterable[str]) -> dict[str, NDArray[np.bool_]]:
        """Return the sub-category label (C*K,) of every image; all False for an image that was not clustered."""
        numbers = {image_id: number for number, image_id in enumerate(dict.fromkeys(image_ids))}
        places = np.full((len(numbers), len(self.classes)), -1)
        for k, found in enumerate(self.classes):
            for image_id, place in found.places().items():
                if image_id in numbers:
                    places[numbers[image_id], k] = place
        return dict(zip(numbers, sub_label_matrix(places, self.count), strict=True))


def sub_label_matrix(places: NDArray[np.integer[Any]], count: int) -> NDArray[np.bool_]:
    """Return sub-category labels (N,C*K) of places (N,C), which are -1 where an image lacks a class.

    Column = class * K + place, as the paper's authors lay their head out.
    """
    images, classes = np.nonzero(places >= 0)
    labels = np.zeros((*places.shape, count), bool)
    labels[images, classes, places[images, classes]] = True
    return labels.reshape(len(places), -1)


def place_names(count: int) -> tuple[str, ...]:
    """Return the names of `count` places that nobody named."""
    return tuple(str(place + 1) for place in range(count))


def full_name(class_name: str, place: int, name: str) -> str:
    """Return what a cluster is called among those of all classes: a place that nobody named has its class's name too.

    That is unique in a project, as `cluster_editor` takes care that given names are.
    """
    return f"{class_name} {name}" if name == str(place + 1) else name


def write_clusters(path: Path, clusters: Clusters) -> None:
    """Publish clusters as one ``.npz`` file without pickle."""
    ids = tuple(dict.fromkeys(image_id for found in clusters.classes for image_id in found.image_ids))
    numbers = {image_id: number for number, image_id in enumerate(ids)}
    meta = {
        "count": clusters.count,
        "provenance": clusters.provenance.to_dict(),
        "facts": dict(clusters.facts),
        "made": clusters.made,
        "classes": [{"name": c.name, "names": list(c.names), "images": len(c.image_ids)} for c in clusters.classes],
    }
    arrays: dict[str, NDArray[Any]] = {
        "meta": np.asarray(json.dumps(meta)),
        "ids": np.asarray(ids, dtype=np.str_),
        "images": np.asarray([numbers[i] for c in clusters.classes for i in c.image_ids], np.int64),
        "by_person": np.concatenate([c.by_person for c in clusters.classes]),
    }
    for k, found in enumerate(clusters.classes):
        arrays |= {f"assignment/{k}": found.assignment, f"distances/{k}": found.distances}
        arrays |= {f"coordinates/{k}": found.coordinates, f"projection/{k}": found.projection}
    buffer = io.BytesIO()
    # numpy's own annotation reads the spread arrays as its `allow_pickle` argument.
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    publish_bytes(path, buffer.getvalue())


def read_clusters(path: Path) -> Clusters | None:
    """Return the clusters in a file, None when it is missing or damaged."""
    try:
        arrays = read_arrays(path)
        meta = parsed_object(str(arrays["meta"]))
        return Clusters(
            tuple(_class(k, record, meta, arrays) for k, record in enumerate(meta["classes"])),
            int(meta["count"]),
            Provenance.from_dict(meta["provenance"]),
            meta["facts"],
            float(meta["made"]),
        )
    except DAMAGE:
        return None


def _class(
    k: int, record: Mapping[str, Any], meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> ClassClusters:
    start = sum(other["images"] for other in meta["classes"][:k])
    rows = slice(start, start + record["images"])
    found = ClassClusters(
        str(record["name"]),
        tuple(str(image_id) for image_id in arrays["ids"][arrays["images"][rows]]),
        arrays[f"assignment/{k}"],
        arrays[f"distances/{k}"],
        arrays[f"coordinates/{k}"],
        arrays[f"projection/{k}"],
        tuple(map(str, record["names"])),
        arrays["by_person"][rows].astype(bool),
    )
    _check(found, int(meta["count"]))
    return found


def _check(found: ClassClusters, count: int) -> None:
    """Raise `ValueError` unless every image has all that is said of images, and a place among `count`."""
    each = (found.assignment, found.distances, found.coordinates, found.projection, found.by_person)
    lengths = {len(found.image_ids), *(len(values) for values in each)}
    flat = found.coordinates.ndim == found.projection.ndim == 2 and found.projection.shape[1] == 2
    places = found.assignment.astype(np.int64)
    if len(lengths) > 1 or not flat or len(found.names) != count or not np.all((places >= 0) & (places < count)):
        raise ValueError(f"the clusters of {found.name!r} do not fit together")


def keep_clusters(results: Path, clusters: Clusters) -> Path:
    """Publish a machine's clusters in a project's folder of results and return their file."""
    folder = not_through_links(results.parent, below(results, f"{STEP}-{clusters.provenance.key}"))
    write_clusters(folder / FILE_NAME, clusters)
    publish_json(folder / RECORD, clusters.provenance.to_dict(), indent=1, sort_keys=True)
    return folder / FILE_NAME


def latest_clusters(results: Path) -> Clusters | None:
    """Return the machine's clusters made last, None when there are none."""
    for path in sorted(results.glob(f"{STEP}-*/{FILE_NAME}"), key=_made, reverse=True):
        found = read_clusters(path)
        if found is not None:
            return found
    return None


def _made(path: Path) -> float:
    try:
        return float(parsed_object(str(read_arrays(path, only="meta")["meta"]))["made"])
    except DAMAGE:
        return 0.0


def no_clusters(name: str, count: int) -> ClassClusters:
    """Return the clusters of a class that no image has."""
    return ClassClusters(
        name,
        (),
        np.zeros(0, np.int64),
        np.zeros(0, np.float32),
        np.zeros((0, 1), np.float32),
        np.zeros((0, 2), np.float32),
        place_names(count),
        np.zeros(0, bool),
    )
