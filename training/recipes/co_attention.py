"""Train MCIS in one of its three settings: image labels; with simple images; with simple and noisy web images.

With web images the training has two rounds. The first learns from trusted images only and judges the web images by
that; the second begins anew with those that are kept. Each round keeps its own checkpoint, so that a stopped run goes
on in the middle of one; which images were left out is in ``web_images.json`` of the run's folder.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_wsss.core.parameters import from_dict
from napari_wsss.core.progress import Steps
from napari_wsss.localize.base import Localizer
from napari_wsss.localize.co_attention import CoAttention
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.data.extra_images import ExtendedData, ExtraImage, extra_images
from training.data.pictures import Pictures, training_records
from training.data.web_filter import Judged, judged, trusted_images
from training.hardware import prepare
from training.loop.checkpoints import LAST, RESUME
from training.loop.learner import seed_everything, total_steps
from training.loop.milestones import Outcome
from training.loop.rounds import RoundFolder, counted
from training.recipes.classifier import STAGE, Training, fitted
from training.run_folder import RunFolder, by_first
from training.sources import ClassifierSources
from training.stopping import until_stopped

WEB = "web_images.json"


def train(project: Project, config: RunConfig, run: RunFolder) -> Steps[Outcome]:
    """Train until the last step or until the run is asked to stop.

    Parameters
    ----------
    project : Project
        Only read.
    config : RunConfig
        Of recipe ``classifier`` and method ``co_attention``.
    run : RunFolder
        New, or one to resume.

    Raises
    ------
    LabelError
        When nothing is labelled, or a folder of further images has other classes.
    ProjectError
        When a folder of further images is none.
    StepError
        When the loss is not finite.
    """
    rounds = Rounds(project, config, run)
    if not rounds.web:
        return (yield from fitted(rounds.training(run, rounds.simple)))
    return (yield from rounds.carried_out())


class Rounds:
    """The trainings of one run and what they learn from.

    Attributes
    ----------
    simple, web : list of ExtraImage
        Images from outside the project.
    """

    def __init__(self, project: Project, config: RunConfig, run: RunFolder) -> None:
        self._project, self._config, self._run = project, config, run
        settings = from_dict(CoAttention.Parameters, config.parameters)
        self.simple = extra_images(settings.simple_images, project.classes)
        self.web = extra_images(settings.web_images, project.classes, settings.web_weight)
        self._machine = prepare(config.hardware)
        self._pictures = Pictures(project, config.sources.cached_side)
        self._companions = settings.group_size - 1
        self._rounds = (RoundFolder(run, 0), RoundFolder(run, 1))

    def training(self, folder: RunFolder, extras: Sequence[ExtraImage]) -> Training:
        """Return a training from the trunk's first weights on the project's images and `extras`."""
        config, project = self._config, self._project
        seed_everything(config.optimisation.seed)
        localizer = Localizer.build(
            config.method, config.network.choice(), config.parameters, class_count=len(project.classes)
        )
        data = self._data(extras)
        return Training(project, config, folder, localizer, data, self._pictures, self._machine)

    def carried_out(self) -> Steps[Outcome]:
        """Learn from trusted images, judge the web images, and learn from all that are kept."""
        for folder in self._rounds:
            folder.path.mkdir(exist_ok=True)
        before, first = self._steps(self.simple), self._rounds[0]
        everything = before + self._steps([*self.simple, *self.web])
        self._run.resume(self._done(before))
        note = self._run.path / WEB
        if not note.exists():
            training = self.training(first, self.simple)
            outcome = yield from counted(fitted(training), STAGE, 0, everything, "trusted images")
            if not outcome.finished or self._run.stop_requested():
                return replace(outcome, finished=False)
            first.publish_models()
            judging = by_first(self._noted(note), self._run)
            if not (yield from counted(judging, STAGE, before, everything, "web images", standing=True)):
                return replace(outcome, finished=False)
        kept = Judged.load(note, self.web)
        extras = [*self.simple, *kept.kept]
        total = before + self._steps(extras)
        outcome = yield from counted(fitted(self.training(self._rounds[1], extras)), STAGE, before, total, kept.summary)
        self._rounds[1].publish_models()
        return replace(outcome, steps=before + outcome.steps)

    def _noted(self, note: Path) -> Steps[bool]:
        """Write which web images are kept; return False when the run was asked to stop before that."""
        found = yield from until_stopped(self._judged(), self._run)
        if found is None:
            return False
        found.save(note)
        (self._rounds[0].path / RESUME).unlink(missing_ok=True)
        return True

    def _judged(self) -> Steps[Judged]:
        localizer, _, what = Localizer.restore(self._rounds[0].path / LAST, str(self._machine.device))
        assert isinstance(localizer, CoAttention)
        data = self._data(self.web)
        trusted = {
            name: [partial(self._pictures.image, image_id) for image_id in trusted_images(data.records, name)]
            for name in what.known_classes().names
        }
        return (yield from judged(localizer, what.known_classes(), self.web, trusted, data.extra_pixels))

    def _data(self, extras: Sequence[ExtraImage]) -> ExtendedData:
        assert isinstance(self._config.sources, ClassifierSources)
        return ExtendedData(
            self._project,
            self._pictures,
            training_records(self._project),
            extras=extras,
            longest_side=self._config.sources.cached_side,
            labels_from_masks=self._config.sources.labels_from_masks,
        )

    def _steps(self, extras: Sequence[ExtraImage]) -> int:
        chosen = self._config.optimisation
        return total_steps(chosen, self._data(extras).order(chosen.batch_size, chosen.seed, self._companions))

    def _done(self, before: int) -> int:
        """Return the steps of the whole run that are kept."""
        second = (self._run.path / WEB).exists()
        return before * second + self._rounds[second].steps_kept()
