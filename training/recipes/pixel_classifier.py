"""Train a pixel classifier on the kept features of a frozen trunk, from everything a person gave.

The features of an image are computed once and stay with the project's results; after that a run takes seconds.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.trunk_choice import PIXEL_SUPERVISED
from napari_wsss.pipeline.tap_features import ProjectFeatures
from napari_wsss.project.project import Project
from napari_wsss.segment.base import build_segmenter, save_segmenter
from napari_wsss.segment.pixel_classifier import PixelClassifier
from training.config import RunConfig
from training.hardware import prepare
from training.loop.learner import Learner, seed_everything
from training.loop.milestones import Milestones, Outcome
from training.pixel_learner.check import CellCheck
from training.pixel_learner.enlargement import fix_enlargement
from training.pixel_learner.fitting import fitted, order_of, start
from training.pixel_learner.gathering import Gathering
from training.run_folder import RunFolder
from training.sources import SegmentationSources

STAGE = "segmentation"


def train(project: Project, config: RunConfig, run: RunFolder) -> Steps[Outcome]:
    """Compute the features that are missing, gather what was given, and fit the classifier.

    Parameters
    ----------
    project : Project
        Only read (features go to its disposable result store).
    config : RunConfig
        Of recipe ``segmentation`` and method ``pixel_classifier``.
    run : RunFolder
        New, or one to resume: its checkpoint is loaded when there is one.

    Raises
    ------
    LabelError
        When nothing was given to learn from.
    StepError
        When the loss is not finite.
    """
    assert isinstance(config.sources, SegmentationSources)
    settings = config.optimisation
    device, bf16 = prepare(config.hardware)
    seed_everything(settings.seed)
    classifier = build_segmenter(config.method, len(project.classes), config.network.choice(), config.parameters)
    assert isinstance(classifier, PixelClassifier)
    if classifier.pixel_supervised:
        run.update(pixel_supervised=True)
        yield Progress(STAGE, message=PIXEL_SUPERVISED)
    fix_enlargement(classifier, project)
    classifier.to(device)
    features = ProjectFeatures(project, classifier)
    gathering = Gathering(project, features, classifier, config.sources, settings.seed)
    yield from gathering.gather(gathering.fixed(run))
    cells = gathering.cells()
    run.update(learned_from=gathering.counts())
    start(classifier, cells, settings.seed)

    order = order_of(cells, settings)
    learner = Learner(classifier, ((), classifier.head_parameters()), settings, settings.iterations, device, bf16)
    learner.resume(run)
    check = CellCheck(project, classifier, features)
    write = partial(_write, classifier=classifier, project=project, config=config)
    milestones = Milestones(STAGE, learner, order, run, check.figures, write)
    for figures in fitted(learner, classifier, cells, order):
        yield milestones.progress(figures)
        if milestones.due():
            yield from milestones.keep()
        if milestones.stopping():
            return Outcome(False, learner.step, learner.best, {})
    return Outcome(True, learner.step, learner.best, check.tables())


def _write(path: Path, classifier: PixelClassifier, project: Project, config: RunConfig) -> None:
    save_segmenter(path, classifier, project.classes, {"recipe": STAGE, "config": config.decisive()})
