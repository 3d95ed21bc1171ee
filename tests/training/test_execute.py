from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.plan import Step
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.execute import apply, begin, carry_out, continued, data_digest, stopped_by_signals
from training.report import EventLines
from training.run_folder import RunFolder


@pytest.fixture(autouse=True)
def _no_plots() -> None:
    """Here curves are drawn."""


def test_a_finished_run_leaves_all_its_files(project_folder: Path, tiny_config: Callable[..., RunConfig]) -> None:
    with Project.open(project_folder, read_only=True) as project:
        config = tiny_config("classifier", optimisation={"epochs": 1})
        run = begin(project, config)
        outcome = carry_out(project, config, run, EventLines())
    names = {path.name for path in run.path.iterdir()}
    expected = {"run.json", "events.jsonl", "plot.png", "table.txt", "table.csv"}
    assert expected | {"best.safetensors", "last.safetensors", "resume.safetensors"} == names
    record = json.loads((run.path / "run.json").read_text())
    assert record["state"] == "done"
    assert record["working_size"] == {"pictures": 64, "side": 47}
    assert record["figures"] == dict(outcome.figures)
    assert record["cpu_seconds"] > 0
    assert continued(project, Path(run.path.name))[0] == config


def test_a_failed_run_says_why(
    project_folder: Path, tiny_config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project.open(project_folder) as project:
        for image_id in list(project.catalog.ids()):
            project.set_labels(image_id, ())
        config = tiny_config("classifier")
        run = begin(project, config)
        with pytest.raises(LabelError):
            carry_out(project, config, run, EventLines())
    assert run.record["state"] == "failed"
    assert "image-level label" in run.record["error"]


def test_a_signal_asks_for_a_stop_and_the_old_handlers_come_back(
    project_folder: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    with Project.open(project_folder, read_only=True) as project:
        run = begin(project, tiny_config("classifier"))
    before = signal.getsignal(signal.SIGTERM)
    with stopped_by_signals(run):
        os.kill(os.getpid(), signal.SIGTERM)
        assert run.stop_requested()
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_key_follows_what_is_learned_from(project_folder: Path, tiny_config: Callable[..., RunConfig]) -> None:
    with Project.open(project_folder) as project:
        before, name = data_digest(project), begin(project, tiny_config("classifier")).path.name
        other = tiny_config("classifier", hardware={"loaders": 0})
        assert begin(project, other).path.name == f"{name}-2"  # hardware does not decide the result
        image_id = next(iter(project.catalog.ids(states=["todo"], split="train")))
        project.set_labels(image_id, [project.classes.names[0]])
        assert data_digest(project) != before
        val = next(iter(project.catalog.ids(states=["todo"], split="val")), None)
        after = data_digest(project)
        if val:
            project.set_labels(val, [project.classes.names[0]])
        assert data_digest(project) == after


def test_applying_changes_the_plan_and_marks_undecided_images(
    project_folder: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    with Project.open(project_folder) as project:
        project.set_plan(replace(project.plan, localizer=Step("cam", {"preset": "single"}), segmenter_checkpoint="old"))
        config = tiny_config("classifier")
        run = begin(project, config)
        apply(project, config, run)
        assert project.plan.localizer_checkpoint == f"training/{run.path.name}/best.safetensors"
        assert project.plan.localizer.parameters == {"preset": "single"}
        assert project.plan.segmenter_checkpoint == ""
        stale = {record.state for record in project.catalog.records() if record.stale}
        assert stale == {"todo"}
        config = tiny_config("segmentation")
        run = begin(project, config)
        apply(project, config, run, best=False)
        assert project.plan.segmenter == Step("deeplab_v3")
        assert project.plan.segmenter_checkpoint == f"training/{run.path.name}/last.safetensors"
        assert project.plan.localizer_checkpoint


def test_applying_needs_the_project_for_writing(project_folder: Path, tiny_config: Callable[..., RunConfig]) -> None:
    with Project.open(project_folder, read_only=True) as project:
        config = tiny_config("classifier")
        run = begin(project, config)
        with pytest.raises(ProjectError):
            apply(project, config, run)


def test_a_run_goes_on_without_a_damaged_image_and_names_it(
    project_folder: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    with Project.open(project_folder) as project:
        image_id = next(project.catalog.ids(split="train"))
        path = project.image_path(image_id)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        config = tiny_config("classifier", optimisation={"epochs": 1})
        run = begin(project, config)
        try:
            assert carry_out(project, config, run, EventLines()).finished
        finally:
            path.write_bytes(whole)  # other tests use it, too
    record = json.loads((run.path / "run.json").read_text())
    assert list(record["left_out"]) == [image_id]
    assert "cannot be read" in record["left_out"][image_id]


def test_a_stop_while_images_are_checked_is_a_stop(
    project_folder: Path, tiny_config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunFolder, "forget_stop", lambda _: None)
    with Project.open(project_folder) as project:
        config = tiny_config("classifier", optimisation={"epochs": 1})
        run = begin(project, config)
        run.request_stop()
        assert not carry_out(project, config, run, EventLines()).finished
    assert run.record["state"] == "stopped"
