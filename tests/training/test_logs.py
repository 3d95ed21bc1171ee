from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.core.progress import Progress
from napari_wsss.core.provenance import Provenance
from training.logs import FOLDER, LOGS, note, open_logs
from training.run_folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    found = RunFolder.create(tmp_path, "classifier", Provenance("training.classifier"), {"config": {"method": "cam"}})
    found.note(Progress("classifier", 1, 2, "epoch 1", {"loss": 0.5}))
    found.note(Progress("classifier", message="validating"))  # no figures
    return found


EVENT = Progress("classifier", 2, 2, "epoch 1", {"loss": 0.25}).to_dict()
NOTED = [(1, {"classifier/loss": 0.5}), (2, {"classifier/loss": 0.25})]


def test_an_unknown_log_is_refused(run: RunFolder) -> None:
    with pytest.raises(ParameterError, match="Unknown log paper; choose among: tensorboard"):
        open_logs("tensorboard,paper", run)
    assert open_logs("", run) == []


@pytest.mark.parametrize("name", LOGS)
def test_a_log_whose_package_is_missing_says_how_to_get_it(
    name: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for loaded in [one for one in sys.modules if one.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(StepError, match=rf'--log {name} needs.*pip install "napari-wsss\[{name}\]"'):
        open_logs(name, run)


def test_tensorboard_reads_all_figures_back(run: RunFolder) -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):  # a run that goes on tells everything anew
        logs = open_logs("tensorboard", run)
        note(logs, [EVENT])
        logs[0].close()

    read = EventAccumulator(str(run.path / FOLDER))
    read.Reload()
    assert read.Tags()["scalars"] == ["classifier/loss"]
    assert [(one.step, one.value) for one in read.Scalars("classifier/loss")] == [(1, 0.5), (2, 0.25)]


def test_weights_and_biases_is_told_all_figures(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    wandb: Any = ModuleType("wandb")
    wandb.init = lambda **given: (
        told.append(given["id"])
        or SimpleNamespace(
            log=lambda figures, step: told.append((step, figures)), finish=lambda: told.append("finished")
        )
    )
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    logs = open_logs("wandb", run)
    note(logs, [EVENT])
    logs[0].close()
    assert told == [run.path.name, *NOTED, "finished"]


def test_mlflow_goes_on_with_its_run_where_it_was(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    places: list[str] = []
    mlflow: Any = ModuleType("mlflow")
    mlflow.set_tracking_uri = places.append
    mlflow.set_experiment = lambda name: None
    mlflow.log_metrics = lambda figures, step: told.append((step, figures))
    mlflow.end_run = lambda: told.append("ended")

    def start_run(run_id: str | None, run_name: str) -> Any:
        told.append(run_id)
        return SimpleNamespace(info=SimpleNamespace(run_id=f"id {len(places)}"))

    mlflow.start_run = start_run
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "")  # so that it is put back
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for uri in (None, None, "http://tracker", "http://tracker"):
        if uri is not None:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        open_logs("mlflow", run)[0].close()
    figures = (1, {"classifier.loss": 0.5})
    runs = (None, "id 1", None, "id 3")
    assert told == [what for identity in runs for what in (identity, figures, "ended")]
    assert places == [(run.path.parent / "mlruns").as_uri()] * 2 + ["http://tracker"] * 2
    assert os.environ["MLFLOW_ALLOW_FILE_STORE"] == "true"


@pytest.mark.slow
def test_mlflow_itself_has_the_figures(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason='pip install "napari-wsss[mlflow]"')
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "")  # so that it is put back
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    for _ in range(2):
        logs = open_logs("mlflow", run)
        note(logs, [EVENT])
        logs[0].close()
    (kept,) = mlflow.search_runs(experiment_names=["napari-wsss"], output_format="list")
    assert kept.info.run_name == run.path.name
    assert kept.data.metrics == {"classifier.loss": EVENT["metrics"]["loss"]}
    assert (run.path.parent / "mlruns").is_dir()


class _Fails:
    def __init__(self, told: list[str]) -> None:
        self._told = told

    def note(self, step: int, figures: object) -> None:
        self._told.append(f"step {step}")
        raise OSError("the server is gone\nand more")

    def close(self) -> None:
        self._told.append("closed")


def test_a_tool_that_fails_costs_no_training(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    said: list[str] = []
    monkeypatch.setitem(LOGS, "wandb", lambda run: _Fails(told))
    logs = open_logs("wandb", run, said.append)
    note(logs, [EVENT])
    logs[0].close()
    assert told == ["step 1"], "after a failure it is left alone"
    (sentence,) = said
    assert "--log wandb follows no further (the server is gone and more)" in sentence


def test_a_tool_that_cannot_begin_is_said(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(run: RunFolder) -> _Fails:
        raise OSError("maintenance mode. " * 100)

    monkeypatch.setitem(LOGS, "mlflow", refused)
    with pytest.raises(StepError, match=r"--log mlflow cannot begin: maintenance mode\.") as failed:
        open_logs("mlflow", run)
    assert len(str(failed.value)) < 700


def test_every_log_is_an_extra() -> None:
    listed = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert all(f"\n{name} = [" in listed for name in LOGS)
