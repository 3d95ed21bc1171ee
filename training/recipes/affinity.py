"""Train an affinity network on what is confident in the applied localizer's maps, and on accepted masks."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from napari_wsss.affinity.base import AffinityBatch, AffinityModel
from napari_wsss.core.progress import Steps
from napari_wsss.project.project import Project
from napari_wsss.refine.dense_crf import DenseCrf
from training.config import RunConfig
from training.data.affinity_data import AffinityData, CellRule, LabelRule, most_common, prepared
from training.data.affinity_labels import confident_labels
from training.data.pictures import Pictures, prefetched, view_of
from training.hardware import prepare
from training.loop.learner import Learner, freeze, seed_everything, total_steps
from training.loop.milestones import Milestones, Outcome
from training.run_folder import RunFolder, by_first
from training.scoring.affinity_check import AffinityCheck
from training.sources import AffinitySources


def train(project: Project, config: RunConfig, run: RunFolder) -> Steps[Outcome]:
    """Make the labels, then train until the last step or until the run is asked to stop.

    Missing maps are made first. Images that cannot be read are left out and named in `run.json`. Epochs, checkpoints
    and stopping are as in `classifier.train`.

    Parameters
    ----------
    project : Project
        Only read (maps go to its disposable result store).
    config : RunConfig
        Of recipe ``affinity``.
    run : RunFolder
        New, or one to resume: its labels and its checkpoint are used when they are there.

    Raises
    ------
    LabelError
        When nothing is confident: no accepted mask, no maps.
    StepError
        When the loss is not finite, or the library of the CRF is not installed.
    """
    sources = config.sources
    assert isinstance(sources, AffinitySources)
    rule = partial(
        confident_labels,
        strong=sources.strong_background,
        weak=sources.weak_background,
        crf=DenseCrf() if sources.crf else None,
    )
    return (yield from fitted(Training(project, config, run, rule, most_common)))


@dataclass(frozen=True)
class Training:
    """One training of an affinity network.

    Parameters
    ----------
    project : Project
    config : RunConfig
    run : RunFolder
    rule, cells
        How labels of pixels, and of cells, are made.
    before_writing : callable, optional
        Called with the network and the data before each checkpoint, for what is measured, not learned.
    """

    project: Project
    config: RunConfig
    run: RunFolder
    rule: LabelRule
    cells: CellRule
    before_writing: Callable[[AffinityModel, AffinityData], None] | None = None


def fitted(training: Training) -> Steps[Outcome]:
    """Train from the checkpoint in the run's folder, or from the start, to the last step or a stop."""
    project, config, run = training.project, training.config, training.run
    settings = config.optimisation
    machine = prepare(config.hardware)
    seed_everything(settings.seed)
    model = AffinityModel.build(config.method, config.network.choice(), config.parameters)
    freeze(model.trunk, settings)
    pictures = Pictures(project, config.sources.cached_side)
    if not (yield from by_first(prepared(pictures, project, run, training.rule, config), run)):
        return Outcome(False, 0, {}, {})
    data = AffinityData(project, run, pictures, model.stride, training.cells)
    order = data.order(settings.batch_size, settings.seed)
    view = view_of(config.augmentation, model.normalisation, settings.seed)
    groups = (model.trunk_parameters(), model.head_parameters())
    learner = Learner(model, groups, settings, total_steps(settings, order), machine, order)
    learner.resume(run)
    check = AffinityCheck(model, data, run.ask)
    write = partial(_write, model=model, data=data, training=training)
    milestones = Milestones(config.recipe, learner, order, run, check.figures, write)

    yield from milestones.catch_up()
    steps = range(learner.step, learner.total)
    with closing(prefetched(partial(data.batch, order=order, view=view), steps, config.hardware.loaders)) as batches:
        for batch in batches:
            for part in learner.parts(AffinityBatch, batch):
                learner.backward(learner.loss(part))
            yield milestones.progress(learner.update())
            if milestones.due():
                yield from milestones.keep()
            if milestones.stopping():
                return Outcome(False, learner.step, learner.best, {})
    return milestones.ended(check.tables)


def _write(path: Path, model: AffinityModel, data: AffinityData, training: Training) -> None:
    try:
        if training.before_writing is not None:
            training.before_writing(model, data)
    finally:  # a stop may have cut it short
        model.save(path, None, training.config.remembered())
