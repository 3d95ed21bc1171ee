"""Train SC-CAM in rounds: cluster every class's images by the last round's features, learn classes and clusters anew.

Round 0 learns the classes only. Every later round finds clusters by the features of the round before, and trains
from the trunk's first weights again. What a person changed about clusters counts from the next round on. The run's
model is that of the last finished round. Each round keeps its own checkpoint and labels, so that a stopped run goes
on in the middle of one and gives what the uninterrupted one gives.
"""

from dataclasses import replace

import torch

from napari_wsss.clusters.found import Clusters
from napari_wsss.core.errors import ParameterError
from napari_wsss.core.parameters import from_dict
from napari_wsss.core.progress import Steps
from napari_wsss.localize.base import Localizer
from napari_wsss.localize.sub_category import SubCategory
from napari_wsss.project.project import Project
from training.clusters.clustering import Clustering
from training.clusters.round_clusters import RoundClusters
from training.config import RunConfig
from training.data.pictures import Pictures
from training.hardware import prepare
from training.loop.checkpoints import LAST
from training.loop.learner import seed_everything, total_steps
from training.loop.milestones import Outcome
from training.loop.rounds import Result, RoundFolder, counted, steps_done
from training.recipes.classifier import STAGE, Training, classifier_data, fitted
from training.run_folder import RunFolder, by_first


def train(project: Project, config: RunConfig, run: RunFolder) -> Steps[Outcome]:
    """Train all rounds, or until the run is asked to stop.

    Parameters
    ----------
    project : Project
        Only read; its folder of results receives the clusters.
    config : RunConfig
        Of recipe ``classifier`` and method ``sub_category``.
    run : RunFolder
        New, or one to resume; round r lies in its folder ``round-<r>``.

    Raises
    ------
    LabelError
        When nothing is labelled.
    ParameterError
        When it shall start from clusters that do not fit.
    StepError
        When the loss is not finite, or the projection's package is missing.
    """
    rounds = Rounds(project, config, run)
    run.resume(rounds.steps_done())
    outcome = Outcome(False, 0, {}, {})
    for number in rounds.numbers:
        outcome = yield from rounds.carried_out(number)
        if not outcome.finished:
            break
    return outcome


class Rounds:
    """The rounds of one run."""

    def __init__(self, project: Project, config: RunConfig, run: RunFolder) -> None:
        self._project, self._config, self._run = project, config, run
        settings, optimisation = from_dict(SubCategory.Parameters, config.parameters), config.optimisation
        self.numbers = range(1 if settings.start == "clusters" else 0, settings.rounds + 1)
        if not self.numbers:
            raise ParameterError("0 rounds from the project's clusters train nothing; give at least 1.", name="rounds")
        clustering = Clustering(settings.cluster_count, optimisation.seed, settings.unit_features, settings.projection)
        clustering.check()
        self._machine = prepare(config.hardware)
        self._pictures = Pictures(project, config.sources.cached_side)
        data = classifier_data(project, self._pictures, config)
        self._records = data.records
        self._steps = total_steps(optimisation, data.order(optimisation.batch_size, optimisation.seed))
        self._clusters = RoundClusters(project, run, clustering, self._records, self._pictures, self._machine.device)

    def steps_done(self) -> int:
        """Return the steps of the whole run that are kept."""
        return steps_done(
            [RoundFolder(self._run, number) for number in self.numbers], [self._steps] * len(self.numbers)
        )

    def carried_out(self, number: int) -> Steps[Outcome]:
        """Train one round, or return how it ended when it is finished already."""
        folder = RoundFolder(self._run, number)
        ended = folder.outcome()
        if ended is not None:
            return ended
        stopped = Outcome(False, self._before(number), {}, {})
        if self._run.stop_requested():
            return stopped
        folder.path.mkdir(exist_ok=True)
        clusters = None
        if number:
            extractor = RoundFolder(self._run, number - 1).path / LAST if number > self.numbers.start else None
            found = by_first(self._clusters.learned(number, folder.path, extractor), self._run)
            clusters = yield from self._counted(found, number)
            if clusters is None:
                return stopped
        outcome = yield from self._counted(fitted(self._training(folder, clusters)), number)
        outcome = replace(outcome, steps=self._before(number) + outcome.steps)
        if outcome.finished:
            folder.conclude(outcome)
        return outcome

    def _training(self, folder: RoundFolder, clusters: Clusters | None) -> Training:
        config, project = self._config, self._project
        seed_everything(config.optimisation.seed)
        localizer = Localizer.build(
            config.method, config.network.choice(), config.parameters, class_count=len(project.classes)
        )
        sub_labels = None
        if clusters is not None:
            assert isinstance(localizer, SubCategory)
            localizer.explore(torch.from_numpy(clusters.columns()))
            sub_labels = clusters.sub_labels(record.id for record in self._records)
        data = classifier_data(project, self._pictures, config, sub_labels)
        return Training(project, config, folder, localizer, data, self._pictures, self._machine)

    def _counted(self, steps: Steps[Result], number: int) -> Steps[Result]:
        """Count the steps of one round as those of the whole run."""
        return counted(steps, STAGE, self._before(number), self._before(self.numbers.stop), f"round {number}")

    def _before(self, number: int) -> int:
        """Return the steps of all rounds before."""
        return (number - self.numbers.start) * self._steps
