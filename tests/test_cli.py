"""The program: it runs nothing that lies in the current folder, and names a `training` that is not ours."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_wsss.cli import main
from napari_wsss.commands.base import DONE
from napari_wsss.processes.children import NOBODY_READS

ROOT = Path(__file__).parents[1]


def test_a_project_is_looked_at(project: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(project.folder)]) == DONE  # type: ignore[attr-defined]
    assert "States" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--help"], ["info", "PROJECT"], ["predict", "--help"], ["weights"]])
def test_whoever_stops_reading_is_told_nothing(words: list[str], project: object) -> None:
    typed = [str(project.folder) if word == "PROJECT" else word for word in words]  # type: ignore[attr-defined]
    command = [sys.executable, "-m", "napari_wsss.cli", *typed]
    run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout is not None
    run.stdout.close()
    assert run.stderr is not None
    said = run.stderr.read()
    assert said == ""
    assert run.wait() in (DONE, NOBODY_READS)  # argparse says nothing of what it could not print


def test_a_training_of_the_current_folder_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "training.py").write_text("open('CODE_RAN', 'w').write('x')")
    command = [sys.executable, "-m", "napari_wsss.cli", "evaluate", "--help"]
    ours = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=tmp_path, env=ours, capture_output=True, text=True, check=False)
    assert run.returncode == DONE, run.stderr
    assert "--truth" in run.stdout
    assert not (tmp_path / "CODE_RAN").exists()


def test_a_training_that_lies_before_ours_is_named(tmp_path: Path) -> None:
    foreign = tmp_path / "site" / "training"
    foreign.mkdir(parents=True)
    (foreign / "__init__.py").write_text("")
    code = f"import sys; sys.path[:0] = {[str(foreign.parent), str(ROOT)]}; from napari_wsss import cli; cli.main()"
    command = [sys.executable, "-c", code, "evaluate", "--of", "accepted"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert str(foreign) in run.stderr
    assert run.stderr.count("\n") == 1
