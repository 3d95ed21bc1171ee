"""Train a localizer (a classifier whose maps are the seeds) on image-level labels."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.progress import Steps
from napari_wsss.localize.base import Localizer, LocalizerBatch
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.data.pictures import ClassifierData, Pictures, prefetched, training_records, view_of
from training.hardware import Machine, prepare
from training.loop.learner import Learner, freeze, seed_everything, total_steps
from training.loop.milestones import Milestones, Outcome
from training.run_folder import RunFolder
from training.scoring.validation import ClassifierCheck
from training.sources import ClassifierSources

STAGE = "classifier"


def train(project: Project, config: RunConfig, run: RunFolder) -> Steps[Outcome]:
    """Train until the last step or until the run is asked to stop.

    Every epoch ends with a validation and a checkpoint; a stop leaves a checkpoint at that very step, and
    continuing from it gives bit for bit what the uninterrupted run gives.

    Parameters
    ----------
    project : Project
        Only read.
    config : RunConfig
        Of recipe ``classifier``.
    run : RunFolder
        New, or one to resume: its checkpoint is loaded when there is one.

    Raises
    ------
    LabelError
        When nothing is labelled.
    StepError
        When the loss is not finite.
    """
    machine = prepare(config.hardware)
    seed_everything(config.optimisation.seed)
    localizer = Localizer.build(
        config.method, config.network.choice(), config.parameters, class_count=len(project.classes)
    )
    pictures = Pictures(project, config.sources.cached_side)
    data = classifier_data(project, pictures, config)
    return (yield from fitted(Training(project, config, run, localizer, data, pictures, machine)))


@dataclass(frozen=True)
class Training:
    """One training of a new localizer.

    Parameters
    ----------
    project : Project
    config : RunConfig
        Of recipe ``classifier``.
    run : RunFolder
        Where its models and checkpoint lie, and what asks it to stop.
    localizer : Localizer
        With the weights it starts from.
    data : ClassifierData
    pictures : Pictures
    machine : Machine
        As `hardware.prepare` returned it.
    """

    project: Project
    config: RunConfig
    run: RunFolder
    localizer: Localizer
    data: ClassifierData
    pictures: Pictures
    machine: Machine


def fitted(training: Training) -> Steps[Outcome]:
    """Train from the checkpoint in the run's folder, or from the start, to the last step or a stop."""
    project, config, run, localizer = training.project, training.config, training.run, training.localizer
    settings = config.rated_for(localizer.class_count).optimisation
    localizer.side = config.trained_side()
    freeze(localizer.trunk, settings)
    order = training.data.order(settings.batch_size, settings.seed, localizer.companions)
    view = view_of(config.augmentation, localizer.normalisation, settings.seed)
    groups = (localizer.trunk_parameters(), localizer.head_parameters())
    learner = Learner(localizer, groups, settings, total_steps(settings, order), training.machine, order)
    learner.resume(run)
    check = ClassifierCheck(project, localizer, training.pictures, run.ask)
    write = partial(localizer.save, classes=project.classes, run=config.remembered())
    milestones = Milestones(STAGE, learner, order, run, check.figures, write)

    yield from milestones.catch_up()
    make = partial(training.data.batch, order=order, view=view)
    steps = range(learner.step, learner.total)
    with closing(prefetched(make, steps, config.hardware.loaders)) as batches:
        for batch in batches:
            for part in learner.parts(LocalizerBatch, batch, done=learner.step / learner.total):
                learner.backward(learner.loss(part))
            yield milestones.progress(learner.update())
            if milestones.due():
                yield from milestones.keep()
            if milestones.stopping():
                return Outcome(False, learner.step, learner.best, {})
    return milestones.ended(check.tables)


def classifier_data(
    project: Project, pictures: Pictures, config: RunConfig, sub_labels: Mapping[str, NDArray[np.bool_]] | None = None
) -> ClassifierData:
    """Return the labelled images that train, with the labels (C*K,) of their sub-categories where there are any."""
    assert isinstance(config.sources, ClassifierSources)
    return ClassifierData(
        project,
        pictures,
        training_records(project),
        labels_from_masks=config.sources.labels_from_masks,
        sub_labels=sub_labels,
    )
