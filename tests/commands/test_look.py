"""What is in a project, and the window, from a terminal."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_wsss.cli import main
from napari_wsss.commands.base import CORRECTABLE, DONE


def test_info_says_what_is_there(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["info", str(project_folder)]) == DONE
    text = capsys.readouterr().out
    assert "todo 10" in text
    assert "none applied yet" in text
    assert main(["info", str(project_folder / "nothing")]) == CORRECTABLE


def without_room_for_backups(folder: Path) -> None:
    shutil.rmtree(folder / "backups")
    (folder / "backups").write_text("a file where the folder should be")


def test_a_failed_backup_is_said(
    project_folder: Path, sample_masks: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["info", str(project_folder)]) == DONE
    assert "No backup" not in capsys.readouterr().out
    without_room_for_backups(project_folder)

    command = ["import-masks", "--project", str(project_folder), "--masks", sample_masks]
    assert main(command) == DONE
    assert "make room" in capsys.readouterr().err
    assert main(["info", str(project_folder)]) == DONE
    assert "No backup holds the last changes" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "napari_wsss.widgets.dock", SimpleNamespace(open_window=lambda _project: None))
    assert main(["open", str(project_folder)]) == DONE
    assert "No backup holds the last changes" in capsys.readouterr().err


def test_opening_nothing_is_said_before_napari_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["open", str(tmp_path)]) == CORRECTABLE
    assert "no project" in capsys.readouterr().err


def test_opening_without_napari_says_what_to_install(
    project_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("napari_wsss.widgets")]:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "napari", None)
    assert main(["open", str(project_folder)]) == CORRECTABLE
    assert "napari-wsss[pyqt5]" in capsys.readouterr().err


@pytest.mark.gui
@pytest.mark.parametrize("named", ["", "project.sqlite"])
def test_opening_shows_a_window_with_the_project_and_waits_for_its_end(
    project_folder: Path, named: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    napari = pytest.importorskip("napari")
    from napari_wsss.widgets.dock import dock_of

    shown = []

    def run() -> None:
        viewer = napari.current_viewer()
        dock = dock_of(viewer)
        shown.append((viewer.title, dock.session.project.folder, [layer.name for layer in viewer.layers]))
        dock.shut_down()

    monkeypatch.setattr(napari, "Viewer", request.getfixturevalue("make_napari_viewer"))
    monkeypatch.setattr(napari, "run", run)
    assert main(["open", str(project_folder / named)]) == DONE
    ((title, folder, layers),) = shown
    assert (title, folder) == ("napari-wsss", project_folder)
    assert layers[0] == "image"
    assert layers[-1] == "mask"


def test_the_commands_need_neither_torch_nor_qt(project_folder: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'qtpy', 'napari', 'PyQt5'): sys.modules[name] = None\n"
        "from napari_wsss.cli import main\n"
        f"sys.exit(main(['info', {str(project_folder)!r}]))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == DONE


def test_runs_are_listed_and_told_to_programs(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["runs", str(project_folder)]) == DONE
    assert "no runs" in capsys.readouterr().out
    for name, record in {"cam-1": '{"recipe": "classifier", "state": "done", "started": 5}', "torn": "{"}.items():
        (project_folder / "training" / name).mkdir(parents=True)
        (project_folder / "training" / name / "run.json").write_text(record)
    assert main(["runs", str(project_folder)]) == DONE
    said = capsys.readouterr()
    assert "cam-1" in said.out
    assert "torn" in said.err
    assert main(["runs", str(project_folder), "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert [(run["stage"], run["state"], run["started"]) for run in told["runs"]] == [("classifier", "done", 5.0)]
    assert main(["runs", str(project_folder / "training")]) == CORRECTABLE


def test_info_is_told_to_programs(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["info", str(project_folder), "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["images"], told["states"]["todo"], told["splits"]) == (
        10,
        10,
        {"train": 8, "val": 2, "without split": 0},
    )
