"""Opening, creating, closing: where a person finds themselves again, also after a crash."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.project.project import Project
from napari_wsss.session.session import recovered_drafts
from tests.session.conftest import Sitting, build_project, write_picture


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Return a folder of ten images with a labels.csv that also names one that is not there."""
    for number in range(10):
        write_picture(tmp_path / "photos" / f"a{number}.png", number)
    lines = [
        "image,split,labels",
        *(f"a{k}.png,{'val' if k > 7 else 'train'},{'dog' if k % 2 else 'cat'}" for k in range(10)),
    ]
    (tmp_path / "photos" / "labels.csv").write_text("\n".join([*lines, "gone.png,train,dog"]))
    return tmp_path / "photos"


def test_labels_are_shown_before_anything_is_created(labelled: Path, tmp_path: Path) -> None:
    sitting = Sitting(tmp_path / "config")
    before = sorted(tmp_path.rglob("*"))
    report = sitting.session.preview_labels(labelled)
    assert sorted(tmp_path.rglob("*")) == before
    assert report.classes == ("cat", "dog")
    assert "gone.png" in report.summary()


def test_creating_a_project_from_a_report_opens_it(labelled: Path, tmp_path: Path) -> None:
    sitting, opened = Sitting(tmp_path / "config"), []
    session = sitting.session
    session.signals.project_opened.connect(lambda: opened.append(session.table.image_id))
    session.create_project(tmp_path / "project", labelled, session.preview_labels(labelled))
    assert opened == [""]
    assert session.table.image_id == "a0.png"
    assert session.project is not None
    assert session.project.classes.names == ("cat", "dog")
    assert list(session.project.catalog.ids(split="val")) == ["a8.png", "a9.png"]
    assert session.project.catalog.get("a3.png").labels == {"dog"}
    with pytest.raises(ProjectError, match="already"):
        session.create_project(tmp_path / "project", labelled, session.preview_labels(labelled))
    assert session.close_project()


def test_without_labels_the_classes_are_given_and_images_are_held_out(labelled: Path, tmp_path: Path) -> None:
    (labelled / "labels.csv").unlink()
    session = Sitting(tmp_path / "config").session
    with pytest.raises(LabelError, match="class"):
        session.create_project(tmp_path / "project", labelled)
    session.create_project(tmp_path / "project", labelled, classes=["cat"], hold_out=0.3)
    assert session.project is not None
    assert len(list(session.project.catalog.ids(split="val"))) == 3
    assert len(list(session.project.catalog.ids(split="train"))) == 7
    session.close_project()


def test_an_empty_folder_makes_no_project(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProjectError, match="no images"):
        Sitting(tmp_path).session.create_project(tmp_path / "p", tmp_path / "empty", classes=["a"])
    assert not (tmp_path / "p").exists()


def test_reopening_returns_to_the_image_last_shown(project_folder: Path, sitting_on: Callable[..., Sitting]) -> None:
    first = sitting_on(project_folder)
    first.session.navigation.go_to("p4.png")
    assert first.session.close_project()
    assert first.session.project is None
    second = sitting_on(project_folder)
    assert second.session.table.image_id == "p4.png"
    assert [found.folder for found in second.session.recent_projects()] == [project_folder]


def test_a_fresh_project_opens_at_the_first_undecided(project_folder: Path, sitting_on: Callable[..., Sitting]) -> None:
    with Project.open(project_folder) as project:
        project.catalog.restore_state("p0.png", "excluded")
    assert sitting_on(project_folder).session.table.image_id == "p1.png"


def test_a_second_window_may_only_read(project_folder: Path, sitting: Sitting, tmp_path: Path) -> None:
    other = Sitting(tmp_path / "config")
    with pytest.raises(ProjectError) as caught:
        other.session.open_project(project_folder)
    assert caught.value.read_only_possible
    assert other.session.project is None
    other.session.open_project(project_folder, read_only=True)
    assert other.session.table.image_id is not None
    assert other.session.close_project()


def test_a_project_that_cannot_be_opened_leaves_the_open_one(sitting: Sitting, tmp_path: Path) -> None:
    with pytest.raises(ProjectError):
        sitting.session.open_project(tmp_path / "nothing")
    assert sitting.session.table.image_id == "p0.png"


def test_opening_another_project_closes_the_first(tmp_path: Path, sitting: Sitting) -> None:
    other = build_project(tmp_path / "other", 2)
    closed: list[int] = []
    sitting.session.signals.project_closed.connect(lambda: closed.append(1))
    painted = sitting.paint(1)
    sitting.session.open_project(other)
    assert closed == [1]
    assert sitting.session.project is not None
    assert len(sitting.session.project.catalog) == 2
    with Project.open(tmp_path / "project") as first:
        np.testing.assert_array_equal(first.masks.read_draft("p0.png"), painted)


def test_an_unsavable_mask_keeps_its_project_open(
    tmp_path: Path, sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ProjectError("The disk is full.")

    other = build_project(tmp_path / "other", 2)
    with monkeypatch.context() as patch:
        patch.setattr(sitting.session.project.review, "record_change", broken)
        patch.setattr(sitting.session.project.review, "save_draft", broken)
        sitting.paint(1)
        with pytest.raises(ProjectError, match="disk is full"):
            sitting.session.open_project(other)
    assert sitting.session.project is not None
    assert sitting.session.project.folder != other
    Project.open(other).close()  # its lock was given back


def test_opening_the_open_project_again_changes_nothing(sitting: Sitting, project_folder: Path) -> None:
    sitting.session.navigation.go_to("p3.png")
    sitting.session.open_project(project_folder / "project.sqlite")
    assert sitting.session.table.image_id == "p3.png"
    sitting.session.open_project(project_folder, read_only=True)
    assert sitting.session.table.save_state.kind == "read_only"


CRASH = """
import os, sys
from pathlib import Path
from napari_wsss.session.session import Session
session = Session(config_folder=Path(sys.argv[2]))
session.open_project(Path(sys.argv[1]))
session.navigation.go_to("p3.png")
session.table.mask[2:6, 2:6] = 2
session.table.touch()
session.table.record_change(session.table.mask)
print(session.table.save_state.kind, flush=True)
os._exit(9)
"""


def test_after_a_crash_what_was_called_saved_is_there(
    project_folder: Path, tmp_path: Path, sitting_on: Callable[..., Sitting]
) -> None:
    command = [sys.executable, "-c", CRASH, str(project_folder), str(tmp_path / "config")]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (child.returncode, child.stdout.strip()) == (9, "saved"), child.stderr
    sitting = Sitting(tmp_path / "config")
    sitting.session.open_project(project_folder)
    assert sitting.session.table.image_id == "p3.png"
    assert sitting.notices == ["Recovered 1 unfinished mask(s) from the last sitting."]
    assert sitting.session.table.mask is not None
    assert (sitting.session.table.mask == 2).sum() == 16
    assert sitting.session.project is not None
    assert recovered_drafts(sitting.session.project) == ["p3.png"]
    assert sitting.accept()
    assert recovered_drafts(sitting.session.project) == []
    sitting.session.close_project()


def test_closing_cancels_background_work(model_folder: Path, sitting_on: Callable[..., Sitting]) -> None:
    sitting = sitting_on(model_folder)
    sitting.session.inference.start()
    assert sitting.session.close_project()
    sitting.settle()
    assert sitting.failures == []
    assert sitting.session.table is None


def test_classes_can_be_added_and_renamed(sitting: Sitting) -> None:
    session = sitting.session
    changes: list[int] = []
    session.signals.classes_changed.connect(lambda: changes.append(1))
    session.navigation.set_search("class:red")
    assert session.class_list.rename("blue", "violet")
    assert session.class_list.add("blue")
    assert not session.class_list.add("red")
    assert "red" in sitting.failures[0]
    assert session.table.classes is not None
    assert session.table.classes.names == ("red", "green", "violet", "blue")
    assert len(changes) == 2
    assert session.labels.add("violet")
    assert session.navigation.set_search("class:violet")


def test_importing_the_session_loads_neither_torch_nor_qt() -> None:
    code = (
        "import sys, napari_wsss.session.session\n"
        "loaded = {'torch', 'qtpy', 'napari', 'PyQt5'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_backup_that_fails_at_closing_is_said(sitting: Sitting, project_folder: Path) -> None:
    shutil.rmtree(project_folder / "backups")
    (project_folder / "backups").write_text("a file where the folder should be")
    sitting.session.project.set_note("p0.png", "changed")
    assert sitting.session.close_project()
    assert "make room" in sitting.failures[-1]
