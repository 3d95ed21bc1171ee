"""Train a network of class boundaries and displacements (IRNet) on what is sure in the applied localizer's maps."""

from functools import partial

import numpy as np

from napari_wsss.affinity.base import AffinityModel
from napari_wsss.affinity.boundary_net import BoundaryNet, infer_displacement
from napari_wsss.core.errors import ParameterError
from napari_wsss.core.inference import Inference
from napari_wsss.core.progress import Steps
from napari_wsss.project.project import Project
from napari_wsss.refine.dense_crf import DenseCrf
from training.config import RunConfig
from training.data.affinity_data import AffinityData, central
from training.data.boundary_labels import confident_labels
from training.loop.milestones import Outcome
from training.recipes.affinity import Training, fitted
from training.run_folder import RunFolder, StopAsked
from training.scoring.validation import Ask
from training.sources import BoundarySources

# The mean of so many images says where displacements point on average.
_MOST_IMAGES = 50


def train(project: Project, config: RunConfig, run: RunFolder) -> Steps[Outcome]:
    """Make the labels by two thresholds, then train as `affinity.train` does.

    Parameters
    ----------
    project : Project
        Only read (maps go to its disposable result store).
    config : RunConfig
        Of recipe ``boundary``.
    run : RunFolder
        New, or one to resume.

    Raises
    ------
    ParameterError
        When the background's threshold is not the lower one, or the recipe is another one.
    LabelError
        When nothing is confident: no accepted mask, no maps.
    StepError
        When the loss is not finite, or the library of the CRF is not installed.
    """
    sources = _checked(config)
    rule = partial(
        confident_labels,
        high=sources.foreground_threshold,
        low=sources.background_threshold,
        crf=DenseCrf(DenseCrf.Parameters(preset="irn")) if sources.crf else None,
    )
    return (yield from fitted(Training(project, config, run, rule, central, MeanDisplacement(run.ask))))


class MeanDisplacement:
    """Measures the mean displacement of the training images, which inference subtracts; anew only after a step."""

    def __init__(self, ask: Ask) -> None:
        self._measured, self._ask = -1, ask

    def __call__(self, model: AffinityModel, data: AffinityData) -> None:
        """Put the mean over the first images into a network that has displacements; the old one stays on a stop."""
        if not isinstance(model, BoundaryNet):
            return
        now = sum(weight._version for weight in model.displacement_head.parameters())
        if now == self._measured:
            return
        mean = model.displacement_head.mean
        before = mean.clone()
        mean.zero_()
        once, found = Inference(preset="single"), []
        try:
            for image_id in data.ids[:_MOST_IMAGES]:
                self._ask()
                found.append(infer_displacement(model, data.whole(image_id)[0], once).mean((1, 2)))
        except StopAsked:
            mean.copy_(before)
            raise
        mean.copy_(mean.new_tensor(np.mean(found, 0)))
        self._measured = now


def _checked(config: RunConfig) -> BoundarySources:
    sources = config.sources
    if not isinstance(sources, BoundarySources):
        raise ParameterError(
            f"{config.method} is trained by the stage boundary, not {config.recipe}: python -m training.run boundary.",
            name="method",
        )
    if sources.background_threshold > sources.foreground_threshold:
        raise ParameterError(
            f"The threshold of the sure background is {sources.background_threshold:g}, that of the sure foreground "
            f"{sources.foreground_threshold:g}; expected the former to be the lower one.",
            name="background_threshold",
        )
    return sources
