"""Train a pixel classifier on the kept features of a frozen trunk, from everything a person gave.

The features of an image are computed once and stay with the project's results; after that a run takes seconds, so one
that was stopped begins again from its first step. The loop is that of `training.pixel_learner`: what a run gives is
what the learner beside a window gives.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict

from napari_wsss.core.errors import LabelError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.trunk_choice import PIXEL_SUPERVISED
from napari_wsss.pipeline.run import localize
from napari_wsss.pixels.working_size import WorkingSize
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.loop.checkpoints import BEST, LAST
from training.loop.milestones import Outcome
from training.pixel_learner.agreement import UNKNOWN_SHARE, Agreement
from training.pixel_learner.check import CellCheck
from training.pixel_learner.gathering import STAGE as GATHER
from training.pixel_learner.measured_enlargement import FOLDS, measured_enlargement
from training.pixel_learner.pixel_learner import PixelLearner
from training.run_folder import RunFolder, StopAsked
from training.sources import PixelClassifierSources

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
    run.resume(0)
    learner = PixelLearner(project, config, STAGE)
    if learner.classifier.pixel_supervised:
        run.update(pixel_supervised=True)
        yield Progress(STAGE, message=PIXEL_SUPERVISED)
    if "images" not in run.record:  # fixed when the run first starts, so that beginning again sees the same
        run.update(images=learner.teachers())
    done, said = 0, list[str]()
    with closing(_all_steps(project, config, learner, run, said)) as steps:
        for progress in steps:
            yield progress
            done += progress.stage == STAGE
            if run.stop_requested():
                return Outcome(False, 0, {}, {})
    learner.save(run.path / LAST)
    learner.save(run.path / BEST)
    check = CellCheck(project, learner.classifier, learner.features, run.ask)
    try:
        figures = check.figures()
        yield Progress(STAGE, done, done, " ".join(said), figures)
        return Outcome(True, done, figures, check.tables())
    except StopAsked:
        return Outcome(False, 0, {}, {})


def learned_from(counts: Mapping[str, int]) -> str:
    """Return of how many images something was learned: ``Learned from 25 masks and corrections on 12 images.``."""
    parts = {"whole": ("mask", "masks"), "parts": ("partly corrected image", "partly corrected images")}
    told = [f"{counts[kind]} {names[counts[kind] != 1]}" for kind, names in parts.items() if counts.get(kind)]
    return f"Learned from {' and '.join(told)}."


def _all_steps(
    project: Project, config: RunConfig, learner: PixelLearner, run: RunFolder, said: list[str]
) -> Steps[None]:
    """Take everything, decide what is decided by measuring, learn, and add sentences about it to `said`."""
    sources = config.sources
    assert isinstance(sources, PixelClassifierSources)
    yield from learner.take_all(run.record["images"])
    run.update(learned_from=learner.counts(), left_out={**run.record.get("left_out", {}), **learner.left_out})
    for image_id, reason in learner.left_out.items():
        yield Progress(GATHER, message=f"{image_id} is left out: {reason}")
    said.append(learned_from(learner.counts()))
    if learner.left_out:
        said.append(f"Left out, as they cannot be read: {', '.join(learner.left_out)}.")
    sizes = yield from measured_enlargement(project, learner, sources.enlargement_folds)
    if sizes is not None:
        size = WorkingSize(sizes.pictures, sizes.side(sizes.best))
        run.update(enlargement=sizes.best, working_size=asdict(size))
        said.append(f"Chosen by measuring: {sizes}.")
        if learner.enlarge(sizes.best):
            yield from learner.take_all(run.record["images"])
    if sources.compare_folds > 1 and project.plan.localizer_checkpoint:
        yield from localize(project, learner.given, config.hardware.device, background=False)
        learner.share_with_maps(UNKNOWN_SHARE)  # until it is known
    agreement = yield from _agreement(learner, sources.compare_folds)
    yield from learner.learn()
    if agreement is not None:
        run.update(learned_from_maps=learner.uses_maps)
    if sources.compare_folds > 1 and len(learner.given) > 1:
        said.append(_left_to_maps(project, learner, run, agreement))


def _agreement(learner: PixelLearner, folds: int) -> Steps[Agreement | None]:
    """Return how far a learner agrees on images left out; None where nobody asks, or too little is left of a fold."""
    try:
        return (yield from learner.compare(folds if folds > 1 else FOLDS, only_for_maps=folds < 2))
    except LabelError:
        return None


def _left_to_maps(project: Project, learner: PixelLearner, run: RunFolder, found: Agreement | None) -> str:
    """Leave classes to the localizer's maps on which these are better, note it, and return a sentence about it."""
    if found is None:
        return "Too little was given to compare it with the maps."
    better, names = found.better_by_maps, project.classes.names
    learner.leave_to_maps(better)
    learner.share_with_maps(found.share)
    run.update(
        map_share=found.share,
        doubted=learner.doubted,
        agreement={"learner": found.mean, "images": found.images},
        left_to_maps=[names[k] for k in better],
    )
    said = f"On images left out it agrees with you to {100 * found.mean:.0f} % (mean IoU)."
    return said + (f" Better as maps, so left to them: {', '.join(names[k] for k in better)}." if better else "")
