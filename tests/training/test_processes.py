"""A stage that a launcher started several times is refused in a sentence."""

from __future__ import annotations

import pytest

from napari_wsss.core.errors import StepError
from training.command_line import BAD_DATA
from training.processes import refuse_several
from training.run import main


@pytest.mark.parametrize(
    "environment",
    [
        {"WORLD_SIZE": "4", "RANK": "0"},
        {"SLURM_NTASKS": "2", "SLURM_PROCID": "1"},
        {"SLURM_STEP_NUM_TASKS": "8", "SLURM_NTASKS": "8", "SLURM_PROCID": "0"},
        {"OMPI_COMM_WORLD_SIZE": "2"},
    ],
)
def test_several_processes_are_refused(environment: dict[str, str]) -> None:
    name = next(iter(environment))
    with pytest.raises(StepError, match=rf"{name}=\d.*classifier runs in one"):
        refuse_several("classifier", environment)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WORLD_SIZE": "1"},
        {"SLURM_NTASKS": "4"},
        {"SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"},
        {"WORLD_SIZE": "many"},
    ],
)
def test_one_process_is_left_alone(environment: dict[str, str]) -> None:
    refuse_several("classifier", environment)


@pytest.mark.parametrize(
    ("stage", "name", "told"),
    [
        ("compare", "WORLD_SIZE", "compare runs in one"),
        ("start", "WORLD_SIZE", "start runs in one"),
        ("classifier", "OMPI_COMM_WORLD_SIZE", "start classifier with torchrun or srun"),
        ("saliency", "OMPI_COMM_WORLD_SIZE", "start saliency with torchrun or srun"),
    ],
)
def test_stages_end_with_the_sentence_and_write_nothing(
    stage: str, name: str, told: str, tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "2")
    assert main([stage, "--project", str(tmp_path)]) == BAD_DATA
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("environment", [{"WORLD_SIZE": "4"}, {"SLURM_NTASKS": "2", "SLURM_PROCID": "1"}, {}])
def test_trainings_share_what_torchrun_and_srun_start(environment: dict[str, str]) -> None:
    refuse_several("classifier", environment, shares=True)
    refuse_several("classifier", {**environment, "OMPI_COMM_WORLD_SIZE": "1"}, shares=True)


def test_options_can_be_described_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["classifier", "--describe"]) == 0
