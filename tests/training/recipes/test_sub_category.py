from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.clusters.editor import ClusterEditor
from napari_wsss.clusters.found import latest_clusters, read_clusters
from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.core.progress import Progress, finish
from napari_wsss.localize.base import Localizer
from napari_wsss.project.project import Project
from napari_wsss.weights.checkpoint import load_checkpoint
from training.config import RunConfig
from training.execute import begin, carry_out, continued
from training.recipes.sub_category import train
from training.report import EventLines
from training.resolving import resolve_file
from training.run_folder import RunFolder


@pytest.fixture
def project(project_folder: Path) -> Iterator[Project]:
    with Project.open(project_folder) as opened:
        yield opened


@pytest.fixture
def config(tiny_config: Callable[..., RunConfig]) -> Callable[..., RunConfig]:
    """Return a function: parameters -> a configuration of two rounds of three steps each."""

    def make(**parameters: object) -> RunConfig:
        base = tiny_config("classifier", optimisation={"epochs": 1}).to_dict()
        chosen = {"cluster_count": 2, "rounds": 1, **parameters}
        return resolve_file("classifier", {**base, "method": "sub_category", "parameters": chosen})

    return make


def collected(project: Project, config: RunConfig, run: RunFolder) -> tuple[list[Progress], bool]:
    steps, seen = train(project, config, run), []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return seen, stop.value.finished


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(path)[0]


def assert_same(first: Path, second: Path) -> None:
    expected, found = weights(first), weights(second)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name


def test_rounds_cluster_and_learn_in_one_run(project: Project, config: Callable[..., RunConfig]) -> None:
    chosen = config(rounds=2)
    run = begin(project, chosen)
    outcome = carry_out(project, chosen, run, EventLines())

    assert outcome.finished
    assert outcome.steps == 9
    assert run.record["steps"] == 9
    trained = [event for event in run.events() if "loss" in event["metrics"]]
    assert [event["done"] for event in trained] == list(range(1, 10))
    assert all(event["total"] == 9 for event in run.events() if event["stage"] != "check")
    assert ["sub_category" in event["metrics"] for event in trained] == [False] * 3 + [True] * 6
    localizer, classes, what = Localizer.restore(run.path / "best.safetensors", "cpu")
    assert (what.method, classes) == ("sub_category", project.classes)
    assert not localizer.training
    assert_same(run.path / "last.safetensors", run.path / "round-2" / "last.safetensors")


def test_clusters_are_results_of_their_own(project: Project, config: Callable[..., RunConfig]) -> None:
    chosen = config()
    run = begin(project, chosen)
    finish(train(project, chosen, run))

    found = latest_clusters(project.results_folder)

    assert found is not None
    assert found.facts == {"round": 1, "run": run.path.name}
    assert [one.name for one in found.classes] == list(project.classes.names)
    for one in found.classes:
        labelled = {record.id for record in project.catalog.records(label=one.name) if record.split != "val"}
        assert set(one.image_ids) == labelled
        assert len(one.filled()) <= min(2, len(labelled))
    used = read_clusters(run.path / "round-1" / "clusters.npz")
    assert used is not None
    np.testing.assert_array_equal(used.columns(), found.columns())


def test_equal_runs_give_equal_models(project: Project, config: Callable[..., RunConfig]) -> None:
    runs = []
    for _ in range(2):
        runs.append(begin(project, config()))
        finish(train(project, config(), runs[-1]))
    assert_same(*(run.path / "last.safetensors" for run in runs))


def test_stopping_and_resuming_equals_never_stopping(project: Project, config: Callable[..., RunConfig]) -> None:
    chosen = config()
    whole = begin(project, chosen)
    finish(train(project, chosen, whole))

    for message in ("round 0: epoch 1", "round 1: features", "round 1: clusters", "round 1: epoch 1"):
        run = begin(project, chosen)
        steps = train(project, chosen, run)
        for progress in steps:
            if progress.message.startswith(message):
                run.request_stop()
                break
        assert not finish(steps).finished, message
        shutil.rmtree(project.results_folder)  # may be deleted at any time
        again_config, again = continued(project, run.path)
        seen, finished = collected(project, again_config, again)

        assert finished, message
        assert seen[0].done in (progress.done, progress.done + 1)
        assert_same(whole.path / "last.safetensors", again.path / "last.safetensors")


def test_a_finished_run_that_is_resumed_trains_nothing(project: Project, config: Callable[..., RunConfig]) -> None:
    chosen = config(rounds=0)
    run = begin(project, chosen)
    finish(train(project, chosen, run))

    seen, finished = collected(project, chosen, run)

    assert finished
    assert not seen
    assert json.loads((run.path / "round-0" / "outcome.json").read_text())["steps"] == 3


def test_a_run_may_start_from_the_projects_clusters(project: Project, config: Callable[..., RunConfig]) -> None:
    finish(train(project, config(), begin(project, config())))
    chosen = config(start="clusters")
    run = begin(project, chosen)

    seen, finished = collected(project, chosen, run)

    assert finished
    assert seen[-1].total == 3
    assert not (run.path / "round-0").exists()


@pytest.mark.parametrize("start", ["clusters", "anew"])
def test_a_persons_changes_are_learned_by_the_next_run(
    project: Project, config: Callable[..., RunConfig], start: str
) -> None:
    finish(train(project, config(), begin(project, config())))
    machine = latest_clusters(project.results_folder)
    assert machine is not None
    name = max(machine.classes, key=lambda one: len(one.filled())).name
    editor = ClusterEditor(project, machine)
    first, second = (machine.of(name).names[place] for place in machine.of(name).filled())
    editor.rename(name, first, "mine")
    editor.merge(name, ["mine", second])
    removed = machine.of(name).image_ids[0]
    editor.not_this_class([removed], name)

    chosen = config(start=start)
    run = begin(project, chosen)
    finish(train(project, chosen, run))

    learned = read_clusters(run.path / "round-1" / "clusters.npz")
    assert learned is not None
    assert len(learned.of(name).filled()) == 1
    assert learned.of(name).names[learned.of(name).filled()[0]] == "mine"
    assert learned.of(name).by_person.all()
    assert removed not in learned.of(name).image_ids
    pure = latest_clusters(project.results_folder)
    assert pure is not None
    assert not pure.of(name).by_person.any()


def test_clusters_to_start_from_must_be_there_and_fit(project: Project, config: Callable[..., RunConfig]) -> None:
    with pytest.raises(ParameterError, match="no clusters to start from"):
        finish(train(project, config(start="clusters"), begin(project, config(start="clusters"))))
    with pytest.raises(ParameterError, match="train nothing"):
        finish(train(project, config(start="clusters", rounds=0), begin(project, config())))
    finish(train(project, config(), begin(project, config())))
    other = config(start="clusters", cluster_count=3)
    with pytest.raises(ParameterError, match="for 2 sub-categories"):
        finish(train(project, other, begin(project, other)))


def test_a_projection_without_its_package_fails_before_training(
    project: Project, config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.clusters.clustering.find_spec", lambda name: None)
    chosen = config(projection="umap")
    with pytest.raises(StepError, match="umap-learn"):
        finish(train(project, chosen, begin(project, chosen)))
