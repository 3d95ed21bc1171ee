"""A package `training` of somebody else is noticed, wherever it lies."""

import sys
from pathlib import Path

import pytest

from napari_wsss.cli import main
from napari_wsss.commands.base import FOUND
from napari_wsss.core.classes import ClassList
from napari_wsss.processes import our_training
from napari_wsss.processes.children import python, run_here, start
from napari_wsss.processes.our_training import foreign_training
from napari_wsss.project.project import Project


@pytest.fixture
def overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let our packages lie in a folder where another distribution has written over `training`."""
    package, information = tmp_path / "training", tmp_path / "training_toolkit-2.0.dist-info"
    package.mkdir()
    information.mkdir()
    (package / "run.py").write_text("import napari_wsss")
    (package / "__init__.py").write_text("__version__ = '2.0'")
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: training-toolkit\nVersion: 2.0\n")
    (information / "RECORD").write_text("training/__init__.py,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "training", raising=False)
    monkeypatch.setattr(our_training, "ROOT", tmp_path)
    return tmp_path


def test_ours_is_ours() -> None:
    assert foreign_training(sys.path) == ""


def test_one_that_wrote_over_ours_is_named_with_what_to_do(overwritten: Path) -> None:
    said = foreign_training(sys.path)
    assert "training-toolkit" in said
    assert "pip install --force-reinstall" in said
    (overwritten / "training" / "__init__.py").write_text('"""Of napari-wsss."""')
    assert foreign_training(sys.path) == ""
    (overwritten / "training" / "run.py").write_text("print('hello')")
    assert "run.py" in foreign_training(sys.path)


def test_one_file_of_many_is_noticed_by_its_size(overwritten: Path) -> None:
    (overwritten / "training" / "__init__.py").write_text('"""Of napari-wsss."""')
    (overwritten / "training" / "config.py").write_text("x = 1")
    information = overwritten / "napari_wsss-0.1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: napari-wsss\nVersion: 0.1.0\n")
    (information / "RECORD").write_text("training/config.py,sha256=x,5\ntraining/run.pyc,,\n")
    assert foreign_training(sys.path) == ""
    (overwritten / "training" / "config.py").write_text("x = 1000")
    said = foreign_training(sys.path)
    assert "config.py" in said
    assert "training-toolkit" in said


def test_no_child_is_started_with_it(overwritten: Path) -> None:
    for begin in (start, run_here):
        with pytest.raises(OSError, match="training-toolkit"):
            begin(python("-m", "training.run", "weights"))


def test_one_in_front_of_ours_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "training.py").write_text("")
    monkeypatch.delitem(sys.modules, "training", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert str(tmp_path / "training.py") in foreign_training(sys.path)


def test_a_file_of_the_current_folder_is_nobodys_business(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Children do not look there, and a script or notebook beside a `training.py` of its own can start ours."""
    (tmp_path / "training.py").write_text("open('CODE_RAN', 'w').write('x')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert run_here(python("-m", "training.run", "--help")) == 0
    assert not (tmp_path / "CODE_RAN").exists()


def test_version_and_check_name_it(
    overwritten: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path_factory.mktemp("made") / "project"
    Project.create(project, project.parent, ClassList(["cat"]), []).close()
    with pytest.raises(SystemExit):
        main(["--version"])
    assert "training-toolkit" in capsys.readouterr().err
    assert main(["check", str(project)]) == FOUND
    assert "training-toolkit" in capsys.readouterr().err
