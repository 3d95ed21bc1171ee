"""What refinement steps may ask about an image, answered by the networks and folders that a plan names."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.affinities import Affinities
from napari_wsss.core.evidence import Evidence
from napari_wsss.core.maps import SaliencyMap
from napari_wsss.core.plan import Plan
from napari_wsss.pipeline.applied_model import applied_network
from napari_wsss.pipeline.imported_maps import is_imported
from napari_wsss.pipeline.lineage import ModelShelf, inference_of, saliency_path
from napari_wsss.pipeline.saliency_folder import read_saliency
from napari_wsss.project.project import Project


@dataclass(frozen=True)
class AppliedEvidence(Evidence):
    """Features of the applied localizer, saliency of the plan's folder or model, affinities of the applied network.

    Parameters
    ----------
    project : Project
    plan : Plan
        Names the networks; each is loaded when it is first asked.
    image_id : str
    device : str
        As `networks.device.choose_device` takes it.
    background : bool
        Leave one core to a window.
    """

    project: Project
    plan: Plan
    image_id: str
    device: str = "auto"
    background: bool = True

    def features(self) -> NDArray[np.float32]:
        """Return dense features (D,h,w) of the image; raise `StepError` when no localizer is applied."""
        if not self.plan.localizer_checkpoint or is_imported(self.plan):
            return super().features()
        features: NDArray[np.float32] = self._network("localize").describe(self._pixels(), self._settings("localize"))
        return features

    def meanings(self) -> NDArray[np.float32]:
        """Return features (D,h,w) that say what is where; those of `features` by networks that have no others."""
        if not self.plan.localizer_checkpoint or is_imported(self.plan):
            return super().features()
        network = self._network("localize")
        asked = getattr(network, "describe_meaning", network.describe)
        features: NDArray[np.float32] = asked(self._pixels(), self._settings("localize"))
        return features

    def saliency(self) -> SaliencyMap:
        """Return the saliency (H,W) of the image, of the plan's folder before a model's; `StepError` without both."""
        if not self.plan.saliency_folder and self.plan.saliency_checkpoint:
            return SaliencyMap(self._network("saliency").infer(self._pixels(), self._settings("saliency")))
        path = saliency_path(self.project, self.plan, self.image_id)
        return read_saliency(path, *self._pixels().shape[:2])

    def affinity(self) -> Affinities:
        """Return which neighbouring cells belong together; raise `StepError` when no affinity network is applied."""
        if not self.plan.affinity_checkpoint:
            return super().affinity()
        found: Affinities = self._network("affinity").infer(self._pixels(), self._settings("affinity"))
        return found

    def _network(self, source: ModelShelf) -> Any:
        return applied_network(self.project, self.plan, source, self.device, self.background)[0]

    def _settings(self, source: ModelShelf) -> Any:
        return inference_of(self.plan, source)

    def _pixels(self) -> NDArray[np.uint8]:
        return self.project.load_image(self.image_id).pixels
