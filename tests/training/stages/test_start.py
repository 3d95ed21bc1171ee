"""The recommended start on a tiny project: each step is used as it comes; stopping, resuming, repeating, a window."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.apply import model_changes
from napari_wsss.pipeline.learner.chains import recommended_chain
from napari_wsss.project.project import Project
from napari_wsss.weights.checkpoint import load_checkpoint
from training.execute import carry_out
from training.run import main
from training.run_folder import RunFolder
from training.stages import start

Lines = Callable[[str], list[dict[str, Any]]]


def run_of(folder: Path, stage: str = "start") -> RunFolder:
    return RunFolder.open(max((folder / "training").glob(f"{stage}-*"), key=lambda path: path.stat().st_mtime))


def words(folder: Path, tiny: list[str], *more: str) -> list[str]:
    return ["start", "--project", str(folder), *tiny, "--device", "cpu", "--events", *more]


def used(folder: Path) -> list[str]:
    """Return the files of the localizers that a project used, the first one first."""
    with Project.open_to_read(folder) as project:
        return [Path(change.after.localizer_checkpoint).name for change in model_changes(project)][::-1]


def test_every_step_is_used_when_it_is_there(
    project_folder: Path, tiny: list[str], capsys: pytest.CaptureFixture[str], lines_of: Lines
) -> None:
    assert main(words(project_folder, tiny, "--first-maps", "0.001")) == 0
    lines = lines_of(capsys.readouterr().out)
    offers = [line["offer"]["title"] for line in lines if "offer" in line]
    assert offers == ["First maps", "SEAM", "LPCAM on SEAM"]
    assert used(project_folder) == ["first.safetensors", "best.safetensors", "best.safetensors"]
    assert [line["run_folder"] for line in lines if "run_folder" in line] == [str(run_of(project_folder).path)]
    with Project.open_to_read(project_folder) as project:
        changes = model_changes(project)
        assert [change.after.localizer.method for change in changes] == ["lpcam", "seam", "seam"]
        assert project.plan.refiners == recommended_chain()
        proposals = [pipeline.proposal(project, one) is not None for one in project.catalog.ids(states=("todo",))]
        assert proposals
        assert all(proposals)
        assert not any(record.stale for record in project.catalog.records())
    record = run_of(project_folder).record
    assert record["state"] == "done"
    assert set(record["parts"]) == {"SEAM", "LPCAM"}
    assert record["offers"] == [line["offer"] for line in lines if "offer" in line]


def test_looking_at_the_first_maps_changes_nothing_of_what_is_learned(
    project_folder: Path, tiny: list[str], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(project_folder, other)
    assert main(words(project_folder, tiny, "--first-maps", "0.001")) == 0
    assert main(words(other, tiny, "--first-maps", "0")) == 0
    found = [(folder / "training" / run_of(folder).record["parts"]["SEAM"]) for folder in (project_folder, other)]
    assert found[0].name == found[1].name
    looked, plain = (load_checkpoint(folder / "last.safetensors")[0] for folder in found)
    assert looked.keys() == plain.keys()
    assert all(torch.equal(value, plain[name]) for name, value in looked.items())
    assert (found[0] / "first.safetensors").exists()
    assert not (found[1] / "first.safetensors").exists()


def test_it_stops_when_told_and_goes_on_from_there(
    project_folder: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked_at_step_two(project: Any, config: Any, part: RunFolder, watch: start.Watch) -> Any:
        shown = watch.show

        def show(progress: Any) -> None:
            if progress.done == 2:
                watch._whole.request_stop()  # what a window does
            shown(progress)

        monkeypatch.setattr(watch, "show", show)
        return carry_out(project, config, part, watch)

    monkeypatch.setattr(start, "carry_out", asked_at_step_two)
    assert main(words(project_folder, tiny)) == 3
    run = run_of(project_folder)
    assert run.record["state"] == "stopped"
    assert run_of(project_folder, "classifier").record["steps"] == 2
    assert used(project_folder) == []
    monkeypatch.setattr(start, "carry_out", carry_out)
    assert main(["start", "--project", str(project_folder), "--resume", run.path.name]) == 0
    assert RunFolder.open(run.path).record["state"] == "done"
    assert used(project_folder) == ["best.safetensors", "best.safetensors"]
    assert len(list((project_folder / "training").glob("classifier-*"))) == 2


def test_what_was_trained_before_is_found(project_folder: Path, tiny: list[str]) -> None:
    assert main(words(project_folder, tiny, "--first-maps", "0")) == 0
    first = run_of(project_folder).record["parts"]
    assert main(words(project_folder, tiny, "--first-maps", "0")) == 0
    assert run_of(project_folder).record["parts"] == first
    assert len(used(project_folder)) == 4  # asked for again, used again
    with Project.open(project_folder) as project:
        image_id = next(iter(project.catalog.ids(split="train", states=("todo",))))
        project.set_labels(image_id, project.classes.names)
    assert main(words(project_folder, tiny, "--first-maps", "0")) == 0
    assert not set(run_of(project_folder).record["parts"].values()) & set(first.values())


def test_a_window_that_holds_the_project_is_left_to_use_the_models(
    project_folder: Path, tiny: list[str], capsys: pytest.CaptureFixture[str], lines_of: Lines
) -> None:
    with Project.open(project_folder) as project:
        assert main(words(project_folder, tiny, "--first-maps", "0")) == 0
        assert project.plan == Plan()
        assert model_changes(project) == []
    offers = [line["offer"] for line in lines_of(capsys.readouterr().out) if "offer" in line]
    assert [offer["method"] for offer in offers] == ["seam", "lpcam"]
    noted = [event["offer"] for event in run_of(project_folder).events() if "offer" in event]
    assert noted == offers  # for a window that is opened later


def test_a_chain_chosen_by_hand_stays(project_folder: Path, tiny: list[str]) -> None:
    own = (Step("constant_background", {"background_threshold": 0.5}),)
    with Project.open(project_folder) as project:
        project.set_plan(replace(project.plan, refiners=own))
    assert main(words(project_folder, tiny, "--first-maps", "0")) == 0
    with Project.open_to_read(project_folder) as project:
        assert project.plan.refiners == own
        assert project.plan.localizer.method == "lpcam"


def test_a_run_of_another_stage_is_not_resumed(applied_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = run_of(applied_folder, "classifier").path
    assert main(["start", "--project", str(applied_folder), "--resume", other.name]) == 4
    assert "is a classifier run" in capsys.readouterr().err
    assert json.loads((other / "run.json").read_text())["state"] == "done"
