"""Features of a frozen trunk, computed once per image: kept in memory and with the results, up to a number of bytes.

They depend on the trunk, its taps and how pictures enter it (`features_provenance` of a network) and on the image, on
nothing a person gives. Beyond what may lie on disk they are computed again when they are asked for.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.provenance import Provenance
from napari_wsss.pixels.tap_features import TapFeatures
from napari_wsss.project.project import Project

STEP = "features"
DISK_BYTES = 4 * 2**30
"""About 5,000 photographs of 500 x 375 pixels by MobileNetV2."""
MEMORY_BYTES = 256 * 2**20

_ASKED_AGAIN = 50


class FeatureNetwork(Protocol):
    """A network that can say what the features of an image depend on, and compute them."""

    def features_provenance(self) -> Provenance:
        """Return what decides features, besides the image."""

    def describe(self, image: NDArray[np.uint8]) -> TapFeatures:
        """Return the features of an image (H,W,3) uint8."""


class ProjectFeatures:
    """The features of a project's images.

    Parameters
    ----------
    project : Project
        Its disposable results receive them.
    network : FeatureNetwork
        Asked only for images whose features are kept nowhere.
    disk_bytes, memory_bytes : int
        How much may be kept; at least one image's features stay in memory.

    Attributes
    ----------
    computed : int
        How often the network was asked.
    """

    def __init__(
        self,
        project: Project,
        network: FeatureNetwork,
        disk_bytes: int = DISK_BYTES,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._project, self._network = project, network
        self._disk_bytes, self._memory_bytes = disk_bytes, memory_bytes
        self._kept: OrderedDict[tuple[str, str], TapFeatures] = OrderedDict()
        self._lock = Lock()
        self._on_disk: int | None = None
        self._unasked = 0  # bytes written since the disk was asked
        self.provenance = network.features_provenance()
        self.computed = 0

    def serves(self, network: FeatureNetwork) -> bool:
        """Return True when another network, which does not change, has these very features; it is asked from now on."""
        if network is not self._network and network.features_provenance() == self.provenance:
            self._network = network
        return network is self._network

    def __call__(self, image_id: str) -> TapFeatures:
        """Return the features of an image: those kept, else computed now (and kept).

        Raises
        ------
        ProjectError
            When the image cannot be read.
        """
        content = self._project.pixels_hash(image_id)
        with self._lock:
            found = self._kept.pop((image_id, content), None)
        if found is None:
            found = self._project.store.read_features(self.provenance, image_id, content)
        if found is None:
            found = self._network.describe(self._project.load_image(image_id).pixels)
            self.computed += 1
            self._store(image_id, content, found)
        self._remember((image_id, content), found)
        return found

    def keep(self, image_id: str) -> bool:
        """Compute the features of an image and keep them on disk; do nothing, and return False, where that is full.

        Unlike `__call__` it takes nothing away that was kept, and asks the disk each time another fiftieth of the
        room is used: other processes may fill it, too.
        """
        store = self._project.store
        if self._on_disk is None or self._unasked > self._disk_bytes / _ASKED_AGAIN:
            self._on_disk, self._unasked = store.size_bytes(STEP), 0
        if self._on_disk >= self._disk_bytes:
            return False
        content = self._project.pixels_hash(image_id)
        found = self._network.describe(self._project.load_image(image_id).pixels)
        self.computed += 1
        store.write_features(self.provenance, image_id, content, found)
        written = os.path.getsize(store.path(self.provenance, image_id))
        self._on_disk += written
        self._unasked += written
        return True

    def has(self, image_id: str) -> bool:
        """Return True when an image's features lie in memory or on disk (damage shows only when they are read)."""
        content = self._project.pixels_hash(image_id)
        return (image_id, content) in self._kept or self._project.store.has(self.provenance, image_id, content)

    def prepare(self, ids: Iterable[str]) -> Steps[int]:
        """Compute the missing features of images in the given order and return how many were computed."""
        ids, before = tuple(ids), self.computed
        for position, image_id in enumerate(ids):
            if not self.has(image_id):
                self(image_id)
            yield Progress(STEP, position + 1, len(ids), image_id)
        return self.computed - before

    # -- keeping ------------------------------------------------------------------------------------------

    def _remember(self, key: tuple[str, str], features: TapFeatures) -> None:
        with self._lock:
            self._kept[key] = features
            total = sum(kept.nbytes for kept in self._kept.values())
            while total > self._memory_bytes and len(self._kept) > 1:
                total -= self._kept.popitem(last=False)[1].nbytes

    def _store(self, image_id: str, content: str, features: TapFeatures) -> None:
        """Keep features on disk where there is room; those of another trunk or size give way first."""
        store = self._project.store
        if self._on_disk is None:
            self._on_disk = store.size_bytes(STEP)
        if self._on_disk + features.nbytes > self._disk_bytes:
            store.clear(STEP, but=self.provenance)
            self._on_disk = store.size_bytes(STEP)
        if self._on_disk + features.nbytes <= self._disk_bytes:
            store.write_features(self.provenance, image_id, content, features)
            self._on_disk += os.path.getsize(store.path(self.provenance, image_id))


_OPEN: WeakKeyDictionary[Project, ProjectFeatures] = WeakKeyDictionary()


def kept_features(project: Project, network: FeatureNetwork) -> ProjectFeatures:
    """Return the features of a project's images by the trunk of a network; those in memory outlive a new head."""
    known = _OPEN.get(project)
    if known is None or not known.serves(network):
        known = _OPEN[project] = ProjectFeatures(project, network)
    return known
