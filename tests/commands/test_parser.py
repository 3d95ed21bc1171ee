"""What is typed: help, versions, wrong options, completion, commands that are handed on."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from napari_wsss.cli import main
from napari_wsss.commands.base import CORRECTABLE, DONE, WRONG_OPTIONS, Command
from napari_wsss.commands.table import COMMANDS
from napari_wsss.processes.stage_list import TRAINED
from napari_wsss.project.project import Project

ROOT = Path(__file__).parents[2]


def test_evaluate_passes_its_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 4)

    monkeypatch.setattr(subprocess, "run", run)
    assert main(["evaluate", "--project", "p", "--of", "accepted"]) == 4
    assert ran == [(sys.executable, "-P", "-m", "training.run", "evaluate", "--project", "p", "--of", "accepted")]


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["create"], ["sample", "x", "--image", "3"]])
def test_wrong_options_are_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == WRONG_OPTIONS
    assert "usage: napari-wsss" in capsys.readouterr().err


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == DONE
    lines = capsys.readouterr().out.splitlines()
    for command in (one for group in COMMANDS.values() for one in group):
        assert any(line.startswith(f"  {command.name} ") for line in lines), command.name


@pytest.mark.parametrize("command", [one for group in COMMANDS.values() for one in group if isinstance(one, Command)])
def test_every_command_explains_itself_and_answers_programs(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command.name, "--help"])
    assert ended.value.code == DONE
    shown = " ".join(capsys.readouterr().out.split())
    assert command.text in shown
    assert "--json" in shown


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == DONE
    assert capsys.readouterr().out == f"napari-wsss {version('napari-wsss')}\n"


@pytest.mark.parametrize("typed", [["--help"], ["--version"], ["check", "--help"], ["create", "--projct", "p"], []])
def test_reading_the_arguments_waits_for_no_library(typed: list[str]) -> None:
    """What is typed is read in a tenth of a second: numpy, scikit-image and friends are there when a verb runs."""
    code = (
        "import sys\n"
        "from napari_wsss.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "ours = ('napari_wsss', 'training')\n"
        "known = {*sys.stdlib_module_names, *ours, '__main__'}\n"
        "loaded = {name.partition('.')[0] for name, module in sys.modules.items() if hasattr(module, '__file__')}\n"
        "print('LOADED', *sorted(loaded - known))\n"
    )
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = [{str(ROOT)!r}, *{sys.path!r}]\n{code}"]
    run = subprocess.run([*command, *typed], capture_output=True, text=True, check=True)
    assert run.stdout.rpartition("LOADED")[2].split() == []


def test_no_help_waits_for_a_library() -> None:
    """One process asks every command and training for its help: what any of them loads would be there at last."""
    code = (
        "import io, json, sys\n"
        "from contextlib import redirect_stdout\n"
        "from napari_wsss.cli import main\n"
        "shown = {}\n"
        "for typed in json.loads(sys.argv[1]):\n"
        "    with redirect_stdout(io.StringIO()) as out:\n"
        "        try: main([*typed, '--help'])\n"
        "        except SystemExit: pass\n"
        "    shown[' '.join(typed)] = out.getvalue()\n"
        "heavy = ['numpy', 'PIL', 'scipy', 'skimage', 'tifffile', 'tqdm', 'torch', 'onnxruntime', 'yaml', 'psygnal']\n"
        "print(json.dumps([shown, [name for name in heavy if name in sys.modules]]))\n"
    )
    every = [[one.name] for group in COMMANDS.values() for one in group]
    every += [["train", what] for what in TRAINED]
    run = subprocess.run(
        [sys.executable, "-c", code, json.dumps(every)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    shown, heavy = json.loads(run.stdout)
    assert heavy == []
    assert set(shown) == {" ".join(typed) for typed in every}
    for name, text in shown.items():
        assert text.startswith(f"usage: napari-wsss {name}"), name
        assert "--json" in text
        assert "--config" in text


def test_a_file_gives_options_and_what_is_typed_counts(
    tmp_path: Path, sample_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "create.json"
    told.write_text(json.dumps({"images": str(sample_folder), "project": "other", "every-pixel": True, "json": True}))
    assert main(["create", "--config", str(told), "--project", str(tmp_path / "p")]) == DONE
    assert json.loads(capsys.readouterr().out)["project"] == str(tmp_path / "p")
    with Project.open_to_read(tmp_path / "p") as project:
        assert project.plan.every_pixel


@pytest.mark.parametrize(
    ("content", "why"), [('{"imges": "x"}', "imges"), ("[]", "expected a JSON or YAML"), (None, "No such")]
)
def test_a_file_that_cannot_be_used_is_said(
    content: str | None, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "c.json").write_text(content)
    assert main(["create", "--config", str(tmp_path / "c.json")]) == CORRECTABLE
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1


def test_a_shell_is_told_how_words_go_on(tmp_path: Path) -> None:
    pytest.importorskip("argcomplete")
    made = tmp_path / "made"
    (made / "backups").mkdir(parents=True)
    (made / "backups" / "project-1.sqlite").touch()
    for typed, wanted in {
        "ex": ["export", "export-model"],
        "train s": ["saliency", "segmentation", "start"],
        "export --dr": ["--dry-run"],
        "predict --class": ["--class-pictures"],
        "train segmentation --machine-w": ["--machine-weight"],
        "train --first": ["--first-maps"],
        "train classifier --method seam --equi": ["--equivariance-weight"],
        "train classifier --method s": ["seam", "sub_category"],
        "train classifier --method ": ["cam", "co_attention", "edam", "lpcam", "seam", "sub_category"],
        "train classifier --trunk resnet1": ["resnet101", "resnet101_caffe", "resnet18"],
        "train segmentation --log ": ["mlflow", "tensorboard", "wandb"],
        "localize --device c": ["cpu", "cuda"],
        "import masks --kind map_t": ["map_tiff"],
        "info --pr": ["--project"],
        f"restore {made} --generation ": ["newest", "project-1.sqlite"],
    }.items():
        line = f"napari-wsss {typed}"
        asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": " "}
        code = "import os, sys; os.dup2(1, 8); from napari_wsss.cli import main; main()"
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **asked}, capture_output=True, text=True
        )
        assert sorted(word.strip() for word in run.stdout.split()) == wanted, run.stderr
