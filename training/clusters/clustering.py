"""Clusters of each class's images by their features: k-means, put into the places of an earlier clustering."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from napari_wsss.clusters.found import ClassClusters, no_clusters, place_names
from napari_wsss.core.errors import StepError

Features = NDArray[np.float32]
_RESTARTS = 10
_AXES = 16
"""Principal components kept with the clusters; enough to tell a cluster's halves apart."""
_EXACT_SIDE = 400
"""Features of more images and channels than this are decomposed approximately: seconds instead of minutes."""


@dataclass(frozen=True)
class Clustering:
    """How features become clusters.

    Parameters
    ----------
    count : int
        Clusters per class (K), or one per image where a class has fewer.
    seed : int
    unit_features : bool
        Divide features by their length first.
    projection : 'pca' or 'umap'
    places : int
        How many places a class has, where some are to be left free for a person's splits; as many as clusters by
        default.
    """

    count: int
    seed: int
    unit_features: bool = False
    projection: str = "pca"
    places: int = 0

    @property
    def capacity(self) -> int:
        """Places per class."""
        return max(self.count, self.places)

    def check(self) -> None:
        """Raise `StepError` when the projection needs a package that is not there."""
        if self.projection == "umap" and find_spec("umap") is None:
            raise StepError(
                "The projection 'umap' needs the package umap-learn, which is not installed. Install it with "
                "pip install umap-learn, or choose the projection 'pca'.",
                missing=("umap-learn",),
            )

    def __call__(
        self, name: str, image_ids: Sequence[str], features: Features, earlier: Mapping[str, int]
    ) -> ClassClusters:
        """Return the clusters of one class.

        Parameters
        ----------
        name : str
            The class.
        image_ids : sequence of str
            Its n images.
        features : (n, C') float32
        earlier : mapping of str to int
            Places of images in an earlier clustering, which the new clusters take over as far as they hold the same
            images; empty for none.
        """
        if not len(image_ids):
            return no_clusters(name, self.capacity)
        values = unit(features) if self.unit_features else features
        found, centres = k_means(values, self.count, self.seed)
        distances = np.linalg.norm(values - centres[found], axis=1)
        places = matched_places(found, [earlier.get(image_id, -1) for image_id in image_ids], self.capacity)
        coordinates = principal_components(values, _AXES)
        return ClassClusters(
            name,
            tuple(image_ids),
            places[found],
            distances.astype(np.float32),
            coordinates,
            self._projected(values, coordinates),
            place_names(self.capacity),
            np.zeros(len(image_ids), bool),
        )

    def _projected(self, values: Features, coordinates: Features) -> Features:
        if self.projection == "umap" and len(values) > 3:
            umap = import_module("umap")
            neighbours = min(15, len(values) - 1)
            drawn = umap.UMAP(n_neighbors=neighbours, init="random", random_state=self.seed).fit_transform(values)
            return np.asarray(drawn, np.float32)
        flat = np.zeros((len(values), 2), np.float32)
        flat[:, : coordinates.shape[1]] = coordinates[:, :2]
        return flat


def k_means(features: Features, count: int, seed: int) -> tuple[NDArray[np.int64], Features]:
    """Return which cluster each of the features (n,C') is in, (n,), and the centres: at most `count` and n clusters.

    Equal features share a cluster, so there may be fewer.
    """
    from sklearn.cluster import KMeans

    clusters = min(count, len(np.unique(features, axis=0)))
    fitted = KMeans(clusters, n_init=_RESTARTS, random_state=seed).fit(features)
    return fitted.labels_.astype(np.int64), fitted.cluster_centers_.astype(np.float32)


def matched_places(found: NDArray[np.int64], earlier: Sequence[int], count: int) -> NDArray[np.int64]:
    """Return the place of every new cluster, so that as many images as possible keep their place.

    Parameters
    ----------
    found : (n,) int64
        New cluster of each image.
    earlier : (n,) int
        Its place before, -1 where it had none.
    count : int
        Number of places, not below that of clusters.
    """
    overlap = np.zeros((int(found.max()) + 1, count), np.int64)
    known = np.asarray(earlier)
    kept = (known >= 0) & (known < count)
    np.add.at(overlap, (found[kept], known[kept]), 1)
    if not kept.any():
        return np.arange(len(overlap))
    _, places = linear_sum_assignment(overlap, maximize=True)
    return np.asarray(places, np.int64)


def principal_components(features: Features, axes: int) -> Features:
    """Return the features (n,C') along their leading principal components, (n, at most `axes`).

    Signs are fixed by the largest entry of each component, so that equal features are drawn equally.
    """
    from sklearn.utils.extmath import randomized_svd

    centred = features.astype(np.float64) - features.mean(0, dtype=np.float64)
    if min(centred.shape) > _EXACT_SIDE:
        _, _, directions = randomized_svd(centred, axes, random_state=0)
    else:
        _, _, directions = np.linalg.svd(centred, full_matrices=False)
    directions = directions[:axes]
    largest = np.abs(directions).argmax(1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    along: Features = (centred @ (directions * signs[:, None]).T).astype(np.float32)
    return along


def unit(features: Features) -> Features:
    """Return the features (n,C') divided by their lengths."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    scaled: Features = features / np.maximum(lengths, np.finfo(np.float32).tiny)
    return scaled
