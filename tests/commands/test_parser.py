"""What is typed: help, versions, wrong options, completion, commands that are handed on."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from napari_wsss.cli import main
from napari_wsss.commands.base import DONE, WRONG_OPTIONS, Command
from napari_wsss.commands.table import COMMANDS

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


def test_a_shell_is_told_how_words_go_on() -> None:
    pytest.importorskip("argcomplete")
    for typed, wanted in {
        "ex": ["export", "export-model"],
        "train s": ["saliency", "segmentation", "start"],
        "export --dr": ["--dry-run"],
    }.items():
        line = f"napari-wsss {typed}"
        asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": " "}
        code = "import os, sys; os.dup2(1, 8); from napari_wsss.cli import main; main()"
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **asked}, capture_output=True, text=True
        )
        assert sorted(word.strip() for word in run.stdout.split()) == wanted, run.stderr
