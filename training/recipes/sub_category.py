"""Train SC-CAM in rounds: cluster every class's images by the last round's features, learn classes and clusters anew.

Round 0 learns the classes only. Every later round finds clusters by the features of the round before, and trains
from the trunk's first weights again. What a person changed about clusters counts from the next round on. The run's
model is that of the last finished round. Each round keeps its own checkpoint and labels, so that a stopped run goes
on in the middle of one and gives what the uninterrupted one gives.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from napari_wsss.core.cluster_edits import as_left, edits_of, known_places
from napari_wsss.core.clusters import (
    STEP,
    ClassClusters,
    Clusters,
    keep_clusters,
    latest_clusters,
    read_clusters,
    write_clusters,
)
from napari_wsss.core.errors import ParameterError
from napari_wsss.core.files import publish
from napari_wsss.core.lineage import file_digest
from napari_wsss.core.parameters import from_dict
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.project import Project
from napari_wsss.core.provenance import Provenance
from napari_wsss.localize.base import build_localizer, load_localizer
from napari_wsss.localize.sub_category import SubCategory
from napari_wsss.weights.checkpoint import load_checkpoint
from training.checkpoints import BEST, LAST, RESUME
from training.clustering import Clustering
from training.config import RunConfig
from training.data import Pictures
from training.features import pooled_features
from training.hardware import prepare
from training.learner import seed_everything, total_steps
from training.milestones import Outcome
from training.recipes.classifier import STAGE, Training, classifier_data, fitted
from training.run_folder import RunFolder

CLUSTERS = "clusters.npz"
FINISHED = "outcome.json"
_REPORTS = 50
"""How often extracting features reports itself."""


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


class RoundFolder(RunFolder):
    """The files of one round inside the folder of its run, which it stops with."""

    def __init__(self, run: RunFolder, number: int) -> None:
        super().__init__(run.path / f"round-{number}", {})
        self._run = run

    def stop_requested(self) -> bool:
        """Return whether the run is asked to stop."""
        return self._run.stop_requested()

    def resume(self, finished_steps: int) -> None:
        """Do nothing: the run as a whole was resumed."""


class Rounds:
    """The rounds of one run."""

    def __init__(self, project: Project, config: RunConfig, run: RunFolder) -> None:
        self._project, self._config, self._run = project, config, run
        self._settings = from_dict(SubCategory.Parameters, config.parameters)
        self.numbers = range(1 if self._settings.start == "clusters" else 0, self._settings.rounds + 1)
        if not self.numbers:
            raise ParameterError("0 rounds from the project's clusters train nothing; give at least 1.", name="rounds")
        self._clustering = Clustering(
            self._settings.cluster_count,
            config.optimisation.seed,
            self._settings.unit_features,
            self._settings.projection,
        )
        self._clustering.check()
        self._device, self._bf16 = prepare(config.hardware)
        self._pictures = Pictures(project, config.sources.cached_side)
        data = classifier_data(project, self._pictures, config)
        self._records = data.records
        order = data.order(config.optimisation.batch_size, config.optimisation.seed)
        self._steps = total_steps(config.optimisation, order)

    def steps_done(self) -> int:
        """Return the steps of the whole run that are kept."""
        for number in self.numbers:
            folder = self._folder(number)
            if not (folder / FINISHED).exists():
                kept = folder / RESUME
                return self._before(number) + (int(load_checkpoint(kept)[1]["step"]) if kept.exists() else 0)
        return self._before(self.numbers.stop)

    def carried_out(self, number: int) -> Steps[Outcome]:
        """Train one round, or return how it ended when it is finished already."""
        folder = RoundFolder(self._run, number)
        if (folder.path / FINISHED).exists():
            kept = json.loads((folder.path / FINISHED).read_text(encoding="utf-8"))
            return Outcome(True, kept["steps"], kept["figures"], kept["tables"])
        stopped = Outcome(False, self._before(number), {}, {})
        if self._run.stop_requested():
            return stopped
        folder.path.mkdir(exist_ok=True)
        clusters = None
        if number:
            clusters = yield from self._clusters(number)
            if clusters is None:
                return stopped
        outcome = yield from self._shifted(fitted(self._training(folder, clusters)), number)
        if outcome.finished:
            self._finish(folder, outcome)
        return outcome

    def _training(self, folder: RoundFolder, clusters: Clusters | None) -> Training:
        config, project = self._config, self._project
        seed_everything(config.optimisation.seed)
        localizer = build_localizer(config.method, len(project.classes), config.network.choice(), config.parameters)
        sub_labels = None
        if clusters is not None:
            assert isinstance(localizer, SubCategory)
            localizer.explore(torch.from_numpy(clusters.columns()))
            sub_labels = clusters.sub_labels(record.id for record in self._records)
        data = classifier_data(project, self._pictures, config, sub_labels)
        return Training(project, config, folder, localizer, data, self._pictures, self._device, self._bf16)

    def _shifted(self, steps: Steps[Outcome], number: int) -> Steps[Outcome]:
        """Count the steps of one round as those of the whole run."""
        before = self._before(number)
        with closing(steps):
            while True:
                try:
                    progress = next(steps)
                except StopIteration as stop:
                    outcome: Outcome = stop.value
                    return replace(outcome, steps=before + outcome.steps)
                text = f"round {number}: {progress.message}"
                yield replace(progress, done=before + progress.done, total=self._total, message=text)

    def _finish(self, folder: RoundFolder, outcome: Outcome) -> None:
        """Make the round's models those of the run; what only resuming needs is deleted."""
        for name in (BEST, LAST):
            with (folder.path / name).open("rb") as model, publish(self._run.path / name) as file:
                shutil.copyfileobj(model, file)
        record = {"steps": outcome.steps, "figures": dict(outcome.figures), "tables": dict(outcome.tables)}
        with publish(folder.path / FINISHED) as file:
            file.write(json.dumps(record).encode())
        for name in (BEST, RESUME):
            (folder.path / name).unlink(missing_ok=True)

    # -- clusters -----------------------------------------------------------------------------------------

    def _clusters(self, number: int) -> Generator[Progress, None, Clusters | None]:
        """Return what the round learns from, kept in its folder; None when the run was asked to stop."""
        path = self._folder(number) / CLUSTERS
        kept = read_clusters(path)
        if kept is not None:
            return kept
        if number == self.numbers.start:
            found: Clusters | None = self._of_the_project()
        else:
            found = yield from self._found(number)
        if found is None:
            return None
        learned = as_left(self._project, found)
        write_clusters(path, learned)
        return learned

    def _of_the_project(self) -> Clusters:
        """Return the clusters a machine made last in the project."""
        found = latest_clusters(self._project.results_folder)
        if found is None:
            raise ParameterError(
                "The project has no clusters to start from. Train sub-categories with start 'anew' first.", name="start"
            )
        if found.count != self._settings.cluster_count:
            raise ParameterError(
                f"The project's clusters are for {found.count} sub-categories per class, the run for "
                f"{self._settings.cluster_count}. Give --cluster-count {found.count}, or start 'anew'.",
                name="cluster_count",
            )
        return found

    def _found(self, number: int) -> Generator[Progress, None, Clusters | None]:
        """Return the clusters of the features of the round before, also kept among the project's results."""
        extractor, done = self._folder(number - 1) / LAST, self._before(number)
        ids = [record.id for record in self._records]
        features = yield from self._features(number, extractor, ids)
        if features is None:
            return None
        earlier = self._earlier(number)
        classes: list[ClassClusters] = []
        for k, name in enumerate(self._project.classes.names):
            inside = [at for at, record in enumerate(self._records) if name in record.labels]
            own = [ids[at] for at in inside]
            classes.append(self._clustering(name, own, features[inside], earlier[k]))
            yield Progress(STAGE, done, self._total, f"round {number}: clusters of {name}")
            if self._run.stop_requested():
                return None
        facts = {"round": number, "run": self._run.path.name}
        clusters = Clusters(tuple(classes), self._clustering.count, self._provenance(extractor, earlier), facts)
        keep_clusters(self._project.results_folder, clusters)
        return clusters

    def _features(
        self, number: int, extractor: Path, ids: Sequence[str]
    ) -> Generator[Progress, None, NDArray[np.float32] | None]:
        """Return the features (N,C') of the images by the round before, None when the run was asked to stop."""
        localizer, _, _ = load_localizer(extractor, str(self._device))
        done, rows = self._before(number), []
        for at, row in enumerate(pooled_features(localizer, self._pictures, ids), 1):
            rows.append(row)
            if at % max(1, len(ids) // _REPORTS) == 0:
                yield Progress(STAGE, done, self._total, f"round {number}: features of image {at} of {len(ids)}")
            if self._run.stop_requested():
                return None
        return np.stack(rows)

    def _earlier(self, number: int) -> list[dict[str, int]]:
        """Return, class by class, the places of images that new clusters of the same images take over.

        They are those of the round before, or what a person's changes say.
        """
        before, classes = read_clusters(self._folder(number - 1) / CLUSTERS), range(len(self._project.classes))
        if before is not None and len(before.classes) == len(classes):
            return [found.places() for found in before.classes]
        edits = edits_of(self._project)
        return [known_places(edits, k) for k in classes]

    def _provenance(self, extractor: Path, earlier: Sequence[Mapping[str, int]]) -> Provenance:
        labels = [(record.id, sorted(record.labels)) for record in self._records]
        data = hashlib.sha256(repr((labels, earlier)).encode()).hexdigest()
        chosen = self._clustering
        parameters = {
            "count": chosen.count,
            "seed": chosen.seed,
            "unit_features": chosen.unit_features,
            "projection": chosen.projection,
            "data": data[:16],
        }
        return Provenance(STEP, parameters, file_digest(extractor))

    # -- the run as a whole -------------------------------------------------------------------------------

    def _folder(self, number: int) -> Path:
        return RoundFolder(self._run, number).path

    def _before(self, number: int) -> int:
        """Return the steps of all rounds before."""
        return (number - self.numbers.start) * self._steps

    @property
    def _total(self) -> int:
        return len(self.numbers) * self._steps
