"""What the localizer that is applied beside a learner says of an image."""

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pipeline.answering import proposed_by_maps
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.pipeline.run import base_maps
from napari_wsss.project.project import Project


class LocalizerMaps:
    """Maps of the applied localizer, and what they propose.

    Parameters
    ----------
    project : Project
    device : str
        Where maps that are missing are computed, as `networks.device.choose_device` takes it.
    """

    def __init__(self, project: Project, device: str) -> None:
        self._project, self._device = project, device

    def maps(self, image_id: str) -> ActivationMaps | None:
        """Return the stored maps of an image; None where there are none, or no localizer is applied."""
        if not self._project.plan.localizer_checkpoint:
            return None
        return base_maps(self._project, image_id, "localize")

    def proposed(self, image_id: str, classes: tuple[int, ...]) -> ActivationMaps:
        """Return what the maps propose of classes (0-based) of an image, with background; stored, or computed now.

        Raises
        ------
        RunError, StepError
            Where no localizer is applied, or it cannot be loaded.
        """
        lineage = Lineage.of(self._project, image_id, "localize", refined=False)
        return proposed_by_maps(lineage, classes, self._device, background=True)
