from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from training.launching import launched
from training.run import main
from training.stopping import STOPPED


def _ends_with(codes: dict[int, int], patch: pytest.MonkeyPatch) -> list[Any]:
    """Let torch's launcher start nothing, and end as if the processes had ended so; return what it was told."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

    told: list[Any] = []

    def launch(config: Any, program: str) -> Any:
        def run(*words: str) -> None:
            told.extend([config.nproc_per_node, words])
            failures = {rank: ProcessFailure(rank, 1, code, "") for rank, code in codes.items() if code}
            if failures:
                raise ChildFailedError("training", failures)

        return run

    patch.setattr("torch.distributed.launcher.api.elastic_launch", launch)
    return told


@pytest.mark.parametrize(
    ("codes", "code"),
    [({0: 0, 1: 0}, 0), ({0: 3, 1: 0}, STOPPED), ({0: 4, 1: -15}, 4), ({0: -15, 1: 5}, 5), ({0: 0, 1: -9}, 1)],
)
def test_the_exit_code_is_that_of_the_first_process_or_of_the_one_that_failed(
    codes: dict[int, int], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = _ends_with(codes, monkeypatch)
    assert launched(2, ["classifier", "--project", "here"]) == code
    assert told == [2, ("-P", "-m", "training.run", "classifier", "--project", "here")]


def _started(words: Sequence[str], patch: pytest.MonkeyPatch) -> int:
    """Return how many processes a command wants to be launched; 0 where it trains by itself."""
    found: list[int] = []
    patch.setattr("training.launching.launched", lambda count, given: found.append(count) or 0)
    assert main(list(words)) == 0
    return sum(found)


def test_the_number_is_typed_or_in_the_configuration_or_that_of_the_run(
    tiny: list[str], project_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["classifier", "--project", str(project_folder), "--events"]
    assert _started([*command, "--processes", "3", *tiny], monkeypatch) == 3
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"hardware": {"processes": 2}}), encoding="utf-8")
    assert _started([*command, "--config", str(file)], monkeypatch) == 2
    assert _started([*command, "--config", str(file), "--processes", "1", *tiny], monkeypatch) == 0
    (run,) = project_folder.glob("training/classifier-*")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    record["config"]["hardware"]["processes"] = 4
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    assert _started([*command, "--resume", run.name], monkeypatch) == 4
    monkeypatch.setattr("torch.cuda.device_count", lambda: 8)
    assert _started([*command, "--processes", "0", *tiny], monkeypatch) == 8


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_train_by_one_command(
    tiny: list[str], project_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    command = ["classifier", "--project", str(project_folder), "--device", "cpu", "--processes", "2", *tiny]

    assert main(command) == 0

    (run,) = (path.parent for path in project_folder.glob("training/classifier-*/run.json"))
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert (record["state"], record["processes"], record["images_of_processes"]) == ("done", 2, [1, 1])
    assert (run / "best.safetensors").is_file()
