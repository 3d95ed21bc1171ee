"""Train a pixel classifier on the kept features of a frozen trunk, from everything a person gave.

The features of an image are computed once and stay with the project's results; after that a run takes seconds, so one
that was stopped begins again from its first step. The loop is that of `training.pixel_learner`: what a run gives is
what the learner beside a window gives.
"""

from __future__ import annotations

from contextlib import closing

from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.trunk_choice import PIXEL_SUPERVISED
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.loop.checkpoints import BEST, LAST
from training.loop.milestones import Outcome
from training.pixel_learner.check import CellCheck
from training.pixel_learner.pixel_learner import PixelLearner
from training.run_folder import RunFolder

STAGE = "segmentation"


def train(project: Project, config: RunConfig, run: RunFolder) -> Steps[Outcome]:
    """Compute the features that are missing, gather what was given, fit the classifier and check it.

    Parameters
    ----------
    project : Project
        Only read (features go to its disposable result store).
    config : RunConfig
        Of recipe ``segmentation`` and method ``pixel_classifier``.
    run : RunFolder
        New, or one to begin again.

    Raises
    ------
    LabelError
        When nothing was given to learn from.
    StepError
        When the loss is not finite.
    """
    run.resume(0)
    learner = PixelLearner(project, config, STAGE)
    if learner.classifier.pixel_supervised:
        run.update(pixel_supervised=True)
        yield Progress(STAGE, message=PIXEL_SUPERVISED)
    if "images" not in run.record:  # fixed when the run first starts, so that beginning again sees the same
        run.update(images=learner.teachers())
    done = 0
    with closing(_all_steps(learner, run)) as steps:
        for progress in steps:
            yield progress
            done += progress.stage == STAGE
            if run.stop_requested():
                return Outcome(False, 0, {}, {})
    learner.save(run.path / LAST)
    learner.save(run.path / BEST)
    check = CellCheck(project, learner.classifier, learner.features)
    figures = check.figures()
    if figures:
        yield Progress(STAGE, done, done, "validated", figures)
    return Outcome(True, done, figures, check.tables())


def _all_steps(learner: PixelLearner, run: RunFolder) -> Steps[None]:
    yield from learner.take_all(run.record["images"])
    run.update(learned_from=learner.counts())
    yield from learner.learn()
