"""Train a pixel classifier on the kept features of a frozen trunk, from everything a person gave.

The features of an image are computed once and stay with the project's results; after that a run takes seconds, so one
that was stopped begins again from its first step. The loop is that of `training.pixel_learner`: what a run gives is
what the learner beside a window gives.
"""

from collections.abc import Mapping
from contextlib import closing

from napari_wsss.core.errors import LabelError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.trunk_choice import PIXEL_SUPERVISED
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.loop.checkpoints import BEST, LAST
from training.loop.milestones import Outcome
from training.pixel_learner.check import CellCheck
from training.pixel_learner.gathering import STAGE as GATHER
from training.pixel_learner.pixel_learner import PixelLearner
from training.run_folder import RunFolder, StopAsked
from training.sources import SegmentationSources

STAGE = "segmentation"
IN_ONE_PROCESS = True
"""Of several processes the first one does it alone: a fit takes seconds."""


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
    assert isinstance(config.sources, SegmentationSources)
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
    said = learned_from(learner.counts())
    if learner.left_out:
        said += f" Left out, as they cannot be read: {', '.join(learner.left_out)}."
    if config.sources.compare_folds > 1 and sum(learner.counts().values()) > 1:
        said += yield from _compared(project, learner, run, config.sources.compare_folds)
    learner.save(run.path / LAST)
    learner.save(run.path / BEST)
    check = CellCheck(project, learner.classifier, learner.features, run.ask)
    try:
        figures = check.figures()
        yield Progress(STAGE, done, done, said, figures)
        return Outcome(True, done, figures, check.tables())
    except StopAsked:
        return Outcome(False, 0, {}, {})


def learned_from(counts: Mapping[str, int]) -> str:
    """Return of how many images something was learned: ``Learned from 25 masks and corrections on 12 images.``."""
    parts = {"whole": ("mask", "masks"), "parts": ("partly corrected image", "partly corrected images")}
    told = [f"{counts[kind]} {names[counts[kind] != 1]}" for kind, names in parts.items() if counts.get(kind)]
    return f"Learned from {' and '.join(told)}."


def _compared(project: Project, learner: PixelLearner, run: RunFolder, folds: int) -> Steps[str]:
    """Leave classes to the localizer's maps on which these are better, note it, and return a sentence about it."""
    try:
        found = yield from learner.agreement(folds)
    except LabelError:  # without one fold nothing is left to learn from
        return " Too little was given to compare it with the maps."
    better, names = found.better_by_maps, project.classes.names
    learner.leave_to_maps(better)
    run.update(
        agreement={"learner": found.mean, "images": found.images},
        left_to_maps=[names[k] for k in better],
    )
    said = f" On images left out it agrees with you to {100 * found.mean:.0f} % (mean IoU)."
    return said + (f" Better as maps, so left to them: {', '.join(names[k] for k in better)}." if better else "")


def _all_steps(learner: PixelLearner, run: RunFolder) -> Steps[None]:
    yield from learner.take_all(run.record["images"])
    run.update(learned_from=learner.counts(), left_out={**run.record.get("left_out", {}), **learner.left_out})
    for image_id, reason in learner.left_out.items():
        yield Progress(GATHER, message=f"{image_id} is left out: {reason}")
    yield from learner.learn()
