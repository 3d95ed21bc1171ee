"""Clusters of each class's images by the features of the applied localizer, whatever its method.

Features are kept among the project's results, so that trying another number of clusters takes seconds.
"""

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_wsss.clusters.edits import as_left, edits_of, known_places
from napari_wsss.clusters.found import STEP, Clusters, latest_clusters
from napari_wsss.core.classes import ClassList
from napari_wsss.core.files import publish_bytes
from napari_wsss.core.inside import below, not_through_links
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.provenance import Provenance
from napari_wsss.core.registry import method_title
from napari_wsss.pipeline.applied_model import RunError, applied_network, known_as
from napari_wsss.pipeline.lineage import checkpoint_of, file_digest, method_of
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from napari_wsss.project.results.array_files import DAMAGE, read_arrays
from training.clusters.clustering import Clustering
from training.clusters.features import Pool, class_features
from training.data.pictures import Pictures
from training.scoring.left_out import LeftOut

FEATURES = "features"
LONGEST_SIDE = 512
_SAVED_EVERY = 500
Vectors = dict[tuple[str, int], NDArray[np.float16]]


@dataclass(frozen=True)
class FeatureClusters:
    """How the images of each class are grouped.

    Parameters
    ----------
    count : int
        Clusters per class, at least 1; twice as many places are made, so that a person can split.
    pool : 'map' or 'image'
        As `features.class_features` takes it.
    projection : 'auto', 'pca' or 'umap'
        How images are drawn in two dimensions; ``auto`` takes UMAP where it is installed.
    seed : int
    device : str
        As `networks.device.choose_device` takes it.
    """

    count: int = 4
    pool: Pool = "map"
    projection: str = "auto"
    seed: int = 0
    device: str = "auto"

    def clustering(self) -> Clustering:
        """Return the settings of k-means; raise `StepError` when the projection needs a package that is missing."""
        auto = "umap" if find_spec("umap") is not None else "pca"
        projection = auto if self.projection == "auto" else self.projection
        chosen = Clustering(self.count, self.seed, projection=projection, places=2 * self.count)
        chosen.check()
        return chosen

    def find(self, project: Project, left_out: LeftOut) -> Steps[Clusters]:
        """Return the clusters of a project's labelled images; nothing but features is stored.

        Images that cannot be read go into `left_out`.

        Raises
        ------
        StepError
            When no localizer is applied to the project, or no image can be read.
        """
        clustering = self.clustering()
        weights = file_digest(checkpoint_of(project, project.plan, "localize"))
        records = [one for one in project.catalog.records() if one.labels and one.state != "excluded"]
        vectors = yield from self._features(project, records, weights, left_out)
        left_out.rest(record.id for record in records)
        earlier, classes = earlier_places(project), []
        for k, name in enumerate(project.classes.names):
            own = [one.id for one in records if (one.id, k) in vectors]
            rows = [vectors[image_id, k].astype(np.float32) for image_id in own]
            features = np.stack(rows) if rows else np.zeros((0, 1), np.float32)
            classes.append(clustering(name, own, features, earlier[k]))
            yield Progress(STEP, k + 1, len(project.classes), name)
        method = method_title("localize", method_of(project.plan, "localize"))
        facts = {"found by": method, "clusters per class": self.count}
        provenance = self._provenance(records, earlier, weights)
        return Clusters(tuple(classes), clustering.capacity, provenance, facts)

    def _features(
        self, project: Project, records: Sequence[ImageRecord], weights: str, left_out: LeftOut
    ) -> Steps[Vectors]:
        """Return the features of every image and class it has, those that are kept not computed again."""
        parameters = {"pool": self.pool, "longest_side": LONGEST_SIDE}
        path = _features_path(project, Provenance(FEATURES, parameters, weights))
        known = _read(path)
        vectors: Vectors = {}
        pictures = Pictures(project, LONGEST_SIDE)
        fresh = 0
        for number, record in enumerate(records, 1):
            wanted = project.classes.indices(record.labels)
            if not all((record.id, k) in known for k in wanted):
                image = None
                with left_out.naming(record.id):
                    image = pictures.image(record.id)
                if image is not None:
                    known |= self._of_image(project, image, record.id, wanted)
                    fresh += 1
                    if fresh % _SAVED_EVERY == 0:
                        _write(path, known)
            vectors |= {(record.id, k): known[record.id, k] for k in wanted if (record.id, k) in known}
            yield Progress(FEATURES, number, len(records), record.id)
        if fresh:
            _write(path, known)
        return vectors

    def _of_image(self, project: Project, image: NDArray[np.uint8], image_id: str, wanted: Sequence[int]) -> Vectors:
        try:
            network, known = applied_network(project, project.plan, "localize", self.device, False)
        except RunError as wrapped:
            raise wrapped.reason from wrapped
        pairs = _known_classes(project.classes, known, wanted)
        if not pairs:
            return {}
        rows = class_features(network, image, tuple(pairs.values()), self.pool).astype(np.float16)
        return {(image_id, k): row for k, row in zip(pairs, rows, strict=True)}

    def _provenance(
        self, records: Sequence[ImageRecord], earlier: Sequence[Mapping[str, int]], weights: str
    ) -> Provenance:
        labels = [(record.id, sorted(record.labels)) for record in records]
        data = hashlib.sha256(repr((labels, earlier)).encode()).hexdigest()[:16]
        chosen = {"count": self.count, "pool": self.pool, "projection": self.projection, "seed": self.seed}
        return Provenance(STEP, {**chosen, "data": data}, weights)


def earlier_places(project: Project) -> list[dict[str, int]]:
    """Return, class by class, the places that new clusters of the same images take over: those shown until now."""
    machine, classes = latest_clusters(project.results_folder), range(len(project.classes))
    if machine is not None:
        return [found.places() for found in as_left(project, machine).classes]
    edits = edits_of(project)
    return [known_places(edits, k) for k in classes]


def _known_classes(classes: ClassList, known: ClassList, wanted: Iterable[int]) -> dict[int, int]:
    """Return the project's classes in `wanted` that the model learned, and what it calls them."""
    return {k: own for k in wanted if (own := known_as(k, classes, known)) is not None}


def _features_path(project: Project, provenance: Provenance) -> Path:
    folder = below(project.results_folder, f"{provenance.step}-{provenance.key}")
    return not_through_links(project.folder, folder) / "features.npz"


def _read(path: Path) -> Vectors:
    try:
        stored = read_arrays(path)
        ids, classes, features = stored["ids"], stored["classes"], stored["features"]
        return {(str(one), int(k)): row for one, k, row in zip(ids, classes, features, strict=True)}
    except DAMAGE:
        return {}


def _write(path: Path, known: Vectors) -> None:
    buffer = io.BytesIO()
    ids, classes = np.asarray([one for one, _ in known], np.str_), np.asarray([k for _, k in known], np.int64)
    np.savez(buffer, ids=ids, classes=classes, features=np.stack(list(known.values())))
    publish_bytes(path, buffer.getvalue())
