from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.core.progress import Progress
from napari_wsss.processes.stage_list import OTHER_STAGES, TRAINED
from napari_wsss.project.project import Project
from training.run import main

Lines = Callable[[str], list[dict[str, Any]]]
ROOT = Path(__file__).parents[2]
BLOCKED = """
import sys, runpy
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('qtpy', 'PyQt5', 'PyQt6', 'PySide6', 'napari', 'magicgui', 'vispy'):
            raise ModuleNotFoundError(f'{name} is blocked')
sys.meta_path.insert(0, Blocked())
sys.argv = ['training.run', *sys.argv[1:]]
runpy.run_module('training.run', run_name='__main__')
"""


@pytest.mark.parametrize("stage", ["classifier", "segmentation", *OTHER_STAGES])
def test_every_stage_has_help(stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([stage, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert "--events" in shown
    options = {
        "classifier": ["--dropout", "--trunk-weights", "--crop"],
        "segmentation": ["--machine-weight", "--rates", "--auxiliary-weight"],
        "localize": ["--scales", "--flip", "--no-flip"],
        "refine": ["--dense-crf-iterations", "--power-background-background-power"],
        "evaluate": ["--truth", "--absent"],
        "adopt": ["--weights", "--apply"],
        "borrow": ["--source", "--neighbours"],
        "clusters": ["--centres", "--count"],
        "weights": ["--inspect", "--json"],
        "instances": ["--out", "--threshold", "--log2-steps"],
        "tables": ["--comparison", "--only", "--limit"],
        "compare": ["--methods", "--ablation"],
        "benchmark": ["--alphas"],
        "judge": ["--weights", "--last-change"],
        "background": ["--project", "--threads"],
        "economy": ["--policies", "--orders", "--truth", "--learner", "--click-jitter", "--stroke-speed"],
        "predict": ["--labels", "--scores", "--out", "--flip", "--presence"],
        "export-model": ["--onnx", "--torchscript", "--opset"],
        "clicks": ["--truth", "--out"],
        "features": ["--gigabytes", "--workers", "--trunk-weights"],
        "start": ["--resume", "--first-maps", "--trunk-weights", "--truth"],
    }
    for option in options[stage]:
        assert option in shown


def test_no_help_waits_for_a_library() -> None:
    """One process asks every stage for its help: what any of them loads would be there at last."""
    code = (
        "import io, json, sys\n"
        "from contextlib import redirect_stdout\n"
        "from training.run import main\n"
        "shown = []\n"
        "for stage in json.loads(sys.argv[1]):\n"
        "    with redirect_stdout(io.StringIO()) as out:\n"
        "        try: main([*stage, '--help'])\n"
        "        except SystemExit: pass\n"
        "    shown.append(out.getvalue())\n"
        "heavy = ('numpy', 'PIL', 'scipy', 'skimage', 'tifffile', 'torch', 'napari', 'tqdm', 'yaml')\n"
        "print(json.dumps([shown, [name for name in heavy if name in sys.modules]]))\n"
    )
    every = [[], *([stage] for stage in (*TRAINED, *OTHER_STAGES))]
    command = [sys.executable, "-c", code, json.dumps(every)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    shown, heavy = json.loads(run.stdout)
    assert heavy == []
    for stage, text in zip(every, shown, strict=True):
        assert text.startswith(" ".join(["usage: python -m training.run", *stage])), stage


def test_the_main_help_lists_the_stages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(stage in shown for stage in ("classifier", "segmentation", *OTHER_STAGES))


def test_a_child_without_qt_trains_and_prints_json_lines_only(
    tiny: list[str], lines_of: Lines, project_folder: Path
) -> None:
    command = [sys.executable, "-c", BLOCKED, "classifier", "--project", str(project_folder), "--events", *tiny]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=110, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    lines = lines_of(done.stdout)
    assert len(lines) == len(done.stdout.splitlines())  # nothing but JSON
    run = Path(str(next(line["run_folder"] for line in lines if "run_folder" in line)))
    trained = [line["done"] for line in lines if str(line["message"]).startswith("epoch")]
    assert trained == [1, 2, 3, 4, 5, 6]
    # Its run.json is a configuration, and gives the same model in this process.
    again = ["classifier", "--project", str(project_folder), "--config", str(run / "run.json"), "--events"]
    assert main(again) == 0
    other = run.with_name(f"{run.name}-2")
    assert (other / "last.safetensors").read_bytes() == (run / "last.safetensors").read_bytes()


def test_stop_file_gives_three_and_resuming_finishes(
    tiny: list[str],
    lines_of: Lines,
    project_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from training.run_folder import RunFolder

    noted = RunFolder.note

    def note_and_stop(self: RunFolder, progress: object) -> None:
        noted(self, progress)
        if progress.done == 2:
            self.request_stop()

    monkeypatch.setattr(RunFolder, "note", note_and_stop)
    arguments = ["classifier", "--project", str(project_folder), "--events"]
    assert main([*arguments, *tiny]) == 3
    monkeypatch.undo()
    lines = lines_of(capsys.readouterr().out)
    run = Path(str(next(line["run_folder"] for line in lines if "run_folder" in line)))
    assert json.loads((run / "run.json").read_text())["state"] == "stopped"
    assert main([*arguments, "--resume", str(run)]) == 0
    assert json.loads((run / "run.json").read_text())["state"] == "done"
    events = map(json.loads, (run / "events.jsonl").read_text().splitlines())
    dones = [event["done"] for event in events if event["stage"] == "classifier"]
    assert sorted(set(dones)) == [1, 2, 3, 4, 5, 6]


def _stopped_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every run be asked to stop after a step."""
    from training.run_folder import RunFolder

    noted = RunFolder.note

    def note_and_stop(self: RunFolder, progress: Progress) -> None:
        noted(self, progress)
        if progress.done == step:
            self.request_stop()

    monkeypatch.setattr(RunFolder, "note", note_and_stop)


def test_the_same_command_goes_on_with_what_was_stopped(
    tiny: list[str], project_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["classifier", "--project", str(project_folder), "--events", *tiny]
    with monkeypatch.context() as patch:
        _stopped_at(2, patch)
        assert main(command) == 3

    assert main(command) == 0

    assert "goes on from step 2 (--anew begins another)" in capsys.readouterr().out
    (run,) = project_folder.glob("training/classifier-*")
    assert json.loads((run / "run.json").read_text())["state"] == "done"
    assert main(command) == 0, "a finished one is no obstacle"
    assert len(list(project_folder.glob("training/classifier-*"))) == 2


def test_resume_auto_begins_goes_on_and_knows_what_is_finished(
    tiny: list[str], project_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["classifier", "--project", str(project_folder), "--events", "--resume", "auto", *tiny]
    with monkeypatch.context() as patch:
        _stopped_at(2, patch)
        assert main(command) == 3
    assert main(command) == 0
    (run,) = project_folder.glob("training/classifier-*")
    steps = (run / "events.jsonl").read_bytes()
    capsys.readouterr()

    assert main([*command, "--apply"]) == 0

    assert f"{run.name} was finished before" in capsys.readouterr().out
    assert (run / "events.jsonl").read_bytes() == steps
    with Project.open(project_folder, read_only=True) as project:
        assert run.name in project.plan.localizer_checkpoint


def test_anew_leaves_what_was_stopped_alone(
    tiny: list[str], project_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["classifier", "--project", str(project_folder), "--events", *tiny]
    with monkeypatch.context() as patch:
        _stopped_at(2, patch)
        assert main(command) == 3
    assert main([*command, "--anew"]) == 0
    states = [json.loads(path.read_text())["state"] for path in project_folder.glob("training/classifier-*/run.json")]
    assert sorted(states) == ["done", "stopped"]


def test_apply_needs_the_lock_only_at_the_end(tiny: list[str], project_folder: Path) -> None:
    assert main(["classifier", "--project", str(project_folder), "--events", "--apply", *tiny]) == 0
    with Project.open(project_folder, read_only=True) as project:
        assert (project.folder / project.plan.localizer_checkpoint).is_file()


def test_bad_data_gives_four(
    tiny: list[str], tmp_path: Path, project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classifier", "--project", str(tmp_path / "nowhere"), "--events"]) == 4
    assert "no project" in capsys.readouterr().err.lower()
    with Project.open(project_folder) as project:
        paths = [project.image_path(image_id) for image_id in project.catalog.ids(split="train")]
    originals = [path.read_bytes() for path in paths]
    command = ["classifier", "--project", str(project_folder), "--events", *tiny]
    try:
        paths[0].write_bytes(b"no picture")
        assert main(command) == 0  # named, and the rest trains
        assert f"left out: {paths[0].name}" in capsys.readouterr().out
        for path in paths:
            path.write_bytes(b"no picture")
        assert main(command) == 4
        assert paths[-1].name in capsys.readouterr().out
    finally:
        for path, original in zip(paths, originals, strict=True):
            path.write_bytes(original)


@pytest.mark.parametrize("option", [["--epochs", "0"], ["--trunk-weights", "nowhere.pth"], ["--device", "cuda:77"]])
def test_bad_settings_give_four(tiny: list[str], project_folder: Path, option: list[str]) -> None:
    assert main(["classifier", "--project", str(project_folder), "--events", *tiny, *option]) == 4


def test_a_stage_without_torch_says_what_to_install(tmp_path: Path) -> None:
    blocked = BLOCKED.replace("'qtpy'", "'torch'").replace("is blocked')", "is blocked', name=name)")
    command = [sys.executable, "-c", blocked, "classifier", "--project", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 4
    assert 'pip install "napari-wsss[torch]"' in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_missing_project_option_gives_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classifier", "--events"]) == 2
    assert "--project" in capsys.readouterr().err


def test_out_of_memory_in_a_step_gives_five(
    tiny: list[str], project_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.loop.learner import Learner

    def update(self: Learner) -> dict[str, float]:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(Learner, "update", update)
    assert main(["classifier", "--project", str(project_folder), "--events", *tiny]) == 5


def test_describe_prints_the_options_as_json(lines_of: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segmentation", "--describe", "--events"]) == 0
    names = {entry["name"] for entry in lines_of(capsys.readouterr().out)[0]["options"]}
    assert {"machine_weight", "epochs", "rates"} <= names


def test_a_file_with_an_unknown_name_ends_the_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.json").write_text('{"truht": "masks"}')
    assert main(["predict", "--config", str(tmp_path / "c.json")]) == 4
    assert "truht" in capsys.readouterr().err


def test_programs_are_told_why_a_stage_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.json").write_text('{"truht": "masks"}')
    for typed in (["localize", "--project", str(tmp_path)], ["predict", "--config", str(tmp_path / "c.json")]):
        assert main([*typed, "--json"]) == 4
        shown = capsys.readouterr()
        assert json.loads(shown.out)["error"] in shown.err
