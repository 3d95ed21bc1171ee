"""Train a saliency network on accepted masks or on pairs of pictures and masks, in the stages its method wants.

LDF learns twice, as published: first the body and detail of the masks, then, from the trunk's first weights again,
the body and detail that the first network gives for the training pictures. The run's model is that of the last
stage. Each stage keeps its own checkpoint, so that a stopped run goes on in the middle of one and gives what the
uninterrupted one gives.
"""

import shutil
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from napari_wsss.core.parameters import from_dict
from napari_wsss.core.progress import Steps
from napari_wsss.core.registry import load_method
from napari_wsss.project.project import Project
from napari_wsss.saliency.base import SaliencyBatch, SaliencyModel
from training.config import Optimisation, RunConfig
from training.data.pictures import prefetched
from training.data.saliency_data import Parts, SaliencyData, SquareView, split_parts
from training.data.saliency_examples import chosen_examples
from training.data.saliency_parts import LearnedParts
from training.data.samplers import BatchOrder
from training.distributed import world
from training.hardware import prepare
from training.loop.checkpoints import LAST
from training.loop.learner import Learner, freeze, seed_everything, total_steps
from training.loop.milestones import Milestones, Outcome
from training.loop.rounds import Result, RoundFolder, counted, steps_done
from training.recipes.segmentation import check_pixels
from training.run_folder import RunFolder, by_first
from training.scoring.saliency_check import SaliencyCheck
from training.sources import SaliencySources

STAGE = "saliency"
PARTS = "parts"


def train(project: Project, config: RunConfig, run: RunFolder) -> Steps[Outcome]:
    """Train all stages, or until the run is asked to stop.

    Parameters
    ----------
    project : Project
        Only read.
    config : RunConfig
        Of recipe ``saliency``.
    run : RunFolder
        New, or one to resume; stage k lies in its folder ``round-<k>``.

    Raises
    ------
    LabelError
        When there is no mask to learn from.
    ProjectError
        When pairs lack partners or cannot be read.
    StepError
        When the loss is not finite.
    """
    stages = Stages(project, config, run)
    run.resume(stages.steps_done())
    outcome = Outcome(False, 0, {}, {})
    for number in range(len(stages.totals)):
        outcome = yield from stages.carried_out(number)
        if not outcome.finished:
            break
    return outcome


class Stages:
    """The stages of one run."""

    def __init__(self, project: Project, config: RunConfig, run: RunFolder) -> None:
        self._config, self._run = config, run
        assert isinstance(config.sources, SaliencySources)
        self._machine = prepare(config.hardware)
        settings = config.optimisation
        self._chosen = chosen_examples(project, config.sources, settings.seed, run)
        self._order = BatchOrder([1] * len(self._chosen.training), settings.batch_size, settings.seed)
        # A network sees images as it was trained, unless another side is asked for.
        self._parameters = {"side": config.augmentation.crop, **config.parameters}
        own = from_dict(load_method("saliency", config.method).Parameters, self._parameters)
        self._settings = stage_settings(settings, own, self._order)
        self.totals = [total_steps(each, self._order) for each in self._settings]

    def steps_done(self) -> int:
        """Return the steps of the whole run that are kept."""
        return steps_done([self._folder(number) for number in range(len(self.totals))], self.totals)

    def carried_out(self, number: int) -> Steps[Outcome]:
        """Train one stage, or return how it ended when it is finished already."""
        folder = self._folder(number)
        ended = folder.outcome()
        if ended is not None:
            return ended
        stopped = Outcome(False, self._before(number), {}, {})
        if self._run.stop_requested():
            return stopped
        folder.path.mkdir(exist_ok=True)
        parts = yield from self._counted(self._parts(number), number)
        if parts is None:
            return stopped
        outcome = yield from self._counted(self._fitted(number, folder, parts), number)
        outcome = replace(outcome, steps=self._before(number) + outcome.steps)
        if outcome.finished:
            folder.conclude(outcome)
            if world().is_first:
                shutil.rmtree(folder.path / PARTS, ignore_errors=True)
        return outcome

    def _parts(self, number: int) -> Steps[Parts | None]:
        """Return the stage's targets, None when the run was asked to stop."""
        examples, names = self._chosen.examples, self._chosen.training
        yield from ()
        if number == 0:
            return split_parts(examples, self._config.sources.cached_side)
        learned = LearnedParts(self._folder(number).path / PARTS, names)
        complete = yield from by_first(self._taught(number, learned), self._run)
        return learned.parts() if complete else None

    def _taught(self, number: int, learned: LearnedParts) -> Steps[bool]:
        teacher, _, _ = SaliencyModel.restore(self._folder(number - 1).path / LAST, str(self._machine.device))
        return (yield from learned.learn(teacher, self._chosen.examples, self._run))

    def _fitted(self, number: int, folder: RoundFolder, parts: Parts) -> Steps[Outcome]:
        config, settings = self._config, self._settings[number]
        seed_everything(settings.seed)
        model = SaliencyModel.build(config.method, config.network.choice(), self._parameters)
        freeze(model.trunk, settings)
        data = SaliencyData(self._chosen.examples, self._chosen.training, parts)
        view = SquareView(config.augmentation, model.normalisation, settings.seed)
        groups = (model.trunk_parameters(), model.head_parameters())
        learner = Learner(model, groups, settings, self.totals[number], self._machine, self._order)
        learner.resume(folder)
        check = SaliencyCheck(model, self._chosen.examples, self._chosen.held_out, self._run.ask)
        write = partial(model.save, classes=None, run=config.remembered())
        milestones = Milestones(STAGE, learner, self._order, folder, check.figures, write)

        yield from milestones.catch_up()
        says_something = learner.step > 0
        make = partial(data.batch, order=self._order, view=view)
        steps = range(learner.step, learner.total)
        with closing(prefetched(make, steps, config.hardware.loaders)) as batches:
            for batch in batches:
                for part in learner.parts(SaliencyBatch, batch):
                    learner.backward(learner.loss(part))
                yield milestones.progress(learner.update())
                says_something = says_something or bool(batch.weights.any())
                if milestones.due():
                    check_pixels(world().any(says_something), len(self._chosen.training), "")
                    yield from milestones.keep()
                if milestones.stopping():
                    return Outcome(False, learner.step, learner.best, {})
        return milestones.ended(check.tables)

    def _counted(self, steps: Steps[Result], number: int) -> Steps[Result]:
        """Count the steps of one stage as those of the whole run."""
        text = f"stage {number + 1} of {len(self.totals)}"
        return counted(steps, STAGE, self._before(number), sum(self.totals), text)

    def _folder(self, number: int) -> RoundFolder:
        return RoundFolder(self._run, number)

    def _before(self, number: int) -> int:
        """Return the steps of all stages before."""
        return sum(self.totals[:number])


def stage_settings(settings: Optimisation, own: Any, order: BatchOrder) -> list[Optimisation]:
    """Return how each stage is trained.

    Parameters
    ----------
    settings : Optimisation
        Of the run.
    own : Parameters
        Of the method; ``stages``, ``first_epochs`` and ``rising_share`` count where it has them.
    order : BatchOrder
    """
    count = int(getattr(own, "stages", 1))
    first = int(getattr(own, "first_epochs", 0)) if count > 1 else 0
    found = []
    for number in range(count):
        each = replace(settings, epochs=first) if first and number == 0 else settings
        rising = round(getattr(own, "rising_share", 0.0) * total_steps(each, order))
        found.append(replace(each, warm_up=max(each.warm_up, rising)))
    return found
