"""What a round of sub-category exploration learns from: the clusters of the round before, as a person left them."""

import hashlib
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from napari_wsss.clusters.edits import as_left, edits_of, known_places
from napari_wsss.clusters.found import (
    STEP,
    ClassClusters,
    Clusters,
    keep_clusters,
    latest_clusters,
    read_clusters,
    write_clusters,
)
from napari_wsss.core.errors import ParameterError
from napari_wsss.core.progress import Progress
from napari_wsss.core.provenance import Provenance
from napari_wsss.localize.base import Localizer
from napari_wsss.pipeline.lineage import file_digest
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from training.clusters.clustering import Clustering
from training.clusters.features import pooled_features
from training.data.pictures import Pictures
from training.run_folder import RunFolder

STAGE = "clusters"
FILE_NAME = "clusters.npz"
_REPORTS = 50
"""How often extracting features reports itself."""


class RoundClusters:
    """Finds and keeps the clusters of the rounds of one run.

    Parameters
    ----------
    project : Project
        Its folder of results receives what the machine found.
    run : RunFolder
        What is asked to stop.
    clustering : Clustering
    records : sequence of ImageRecord
        The labelled images that train.
    pictures : Pictures
    device : torch.device
        Where features are computed.
    """

    def __init__(
        self,
        project: Project,
        run: RunFolder,
        clustering: Clustering,
        records: Sequence[ImageRecord],
        pictures: Pictures,
        device: torch.device,
    ) -> None:
        self._project, self._run, self._clustering = project, run, clustering
        self._records, self._pictures, self._device = records, pictures, device

    def learned(self, number: int, folder: Path, extractor: Path | None) -> Generator[Progress, None, Clusters | None]:
        """Return what round `number` learns from; it is kept in the round's folder, so that resuming learns the same.

        Parameters
        ----------
        folder : Path
            Of the round; the rounds before lie beside it.
        extractor : Path, optional
            The model whose features are clustered; without it the project's clusters are taken.

        Returns
        -------
        Clusters or None
            None when the run was asked to stop.
        """
        kept = read_clusters(folder / FILE_NAME)
        if kept is not None:
            return kept
        if extractor is None:
            found: Clusters | None = self._of_the_project()
        else:
            found = yield from self._found(number, extractor)
        if found is None:
            return None
        learned = as_left(self._project, found)
        write_clusters(folder / FILE_NAME, learned)
        return learned

    def _of_the_project(self) -> Clusters:
        """Return the clusters a machine made last in the project."""
        found = latest_clusters(self._project.results_folder)
        if found is None:
            raise ParameterError(
                "The project has no clusters to start from. Train sub-categories with start 'anew' first.", name="start"
            )
        if found.count != self._clustering.count:
            raise ParameterError(
                f"The project's clusters are for {found.count} sub-categories per class, the run for "
                f"{self._clustering.count}. Give --cluster-count {found.count}, or start 'anew'.",
                name="cluster_count",
            )
        return found

    def _found(self, number: int, extractor: Path) -> Generator[Progress, None, Clusters | None]:
        """Return the clusters of an extractor's features, also kept among the project's results."""
        ids = [record.id for record in self._records]
        features = yield from self._features(extractor, ids)
        if features is None:
            return None
        earlier = self._earlier(extractor.parent)
        classes: list[ClassClusters] = []
        for k, name in enumerate(self._project.classes.names):
            inside = [at for at, record in enumerate(self._records) if name in record.labels]
            own = [ids[at] for at in inside]
            classes.append(self._clustering(name, own, features[inside], earlier[k]))
            yield Progress(STAGE, message=f"clusters of {name}")
            if self._run.stop_requested():
                return None
        facts = {"round": number, "run": self._run.path.name}
        clusters = Clusters(tuple(classes), self._clustering.count, self._provenance(extractor, earlier), facts)
        keep_clusters(self._project.results_folder, clusters)
        return clusters

    def _features(self, extractor: Path, ids: Sequence[str]) -> Generator[Progress, None, NDArray[np.float32] | None]:
        """Return the features (N,C') of the images, None when the run was asked to stop."""
        localizer, _, _ = Localizer.restore(extractor, str(self._device))
        rows = []
        for at, row in enumerate(pooled_features(localizer, self._pictures, ids), 1):
            rows.append(row)
            if at % max(1, len(ids) // _REPORTS) == 0:
                yield Progress(STAGE, message=f"features of image {at} of {len(ids)}")
            if self._run.stop_requested():
                return None
        return np.stack(rows)

    def _earlier(self, folder: Path) -> list[dict[str, int]]:
        """Return, class by class, the places of images that new clusters of the same images take over.

        They are those that the round in `folder` learned from, or else what a person's changes say.
        """
        before, classes = read_clusters(folder / FILE_NAME), range(len(self._project.classes))
        if before is not None and len(before.classes) == len(classes):
            return [found.places() for found in before.classes]
        edits = edits_of(self._project)
        return [known_places(edits, k) for k in classes]

    def _provenance(self, extractor: Path, earlier: Sequence[Mapping[str, int]]) -> Provenance:
        labels = [(record.id, sorted(record.labels)) for record in self._records]
        data = hashlib.sha256(repr((labels, earlier)).encode()).hexdigest()[:16]
        chosen = self._clustering
        parameters = {
            "count": chosen.count,
            "seed": chosen.seed,
            "unit_features": chosen.unit_features,
            "projection": chosen.projection,
            "data": data,
        }
        return Provenance(STEP, parameters, file_digest(extractor))
