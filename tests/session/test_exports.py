"""Exports of an open project run in the background and tell their report."""

from pathlib import Path

import pytest

from napari_wsss.session.exporting import Choice
from napari_wsss.session.session import Session
from tests.session.conftest import Sitting


@pytest.fixture
def told(sitting: Sitting) -> list:
    reports: list = []
    sitting.session.exports.told.connect(reports.append)
    return reports


def test_an_export_ends_with_its_report(sitting: Sitting, told: list, tmp_path: Path) -> None:
    sitting.paint(1)
    assert sitting.accept(and_next=False)
    assert sitting.session.exports.begin(tmp_path / "out", Choice(), dry_run=True)
    sitting.settle()
    assert not (tmp_path / "out").exists()
    sitting.session.exports.begin(tmp_path / "out", Choice())
    sitting.settle()
    assert [(report.dry_run, len(report.written)) for report in told] == [(True, 1), (False, 1)]
    assert (tmp_path / "out/classes.txt").is_file()


def test_what_goes_wrong_is_said(sitting: Sitting, told: list, tmp_path: Path) -> None:
    failures: list[str] = []
    sitting.session.signals.failed.connect(failures.append)
    sitting.session.exports.begin(tmp_path, Choice(search="class:nope"))
    sitting.settle()
    assert told == []
    assert "class:nope is not known" in failures[0]


def test_without_a_project_it_says_so(tmp_path: Path) -> None:
    session, failures = Session(config_folder=tmp_path), []
    session.signals.failed.connect(failures.append)
    assert not session.exports.begin(tmp_path, Choice())
    assert failures == ["No project is open. Open one, or create one, first."]


def test_the_usual_folder_lies_beside_the_project(sitting: Sitting) -> None:
    folder = sitting.session.project.folder
    assert sitting.session.exports.usual_folder("coco") == folder.parent / f"{folder.name}-coco"
