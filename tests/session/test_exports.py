"""Exports of an open project run in the background and tell their report."""

from pathlib import Path

import pytest

from napari_wsss.session.exporting import Choice


@pytest.fixture
def told(session) -> list:
    reports: list = []
    session.exports.told.connect(reports.append)
    return reports


def test_an_export_ends_with_its_report(session, settle, told, tmp_path: Path) -> None:
    session.decisions.accept()
    assert session.exports.begin(tmp_path / "out", Choice(), dry_run=True)
    settle(session)
    assert not (tmp_path / "out").exists()
    session.exports.begin(tmp_path / "out", Choice())
    settle(session)
    assert [(report.dry_run, len(report.written)) for report in told] == [(True, 1), (False, 1)]
    assert (tmp_path / "out/classes.txt").is_file()


def test_what_goes_wrong_is_said(session, settle, told, tmp_path: Path) -> None:
    failures: list[str] = []
    session.signals.failed.connect(failures.append)
    session.exports.begin(tmp_path, Choice(search="class:nope"))
    settle(session)
    assert told == []
    assert "class:nope is not known" in failures[0]


def test_without_a_project_it_says_so(empty_session, tmp_path: Path) -> None:
    failures: list[str] = []
    empty_session.signals.failed.connect(failures.append)
    assert not empty_session.exports.begin(tmp_path, Choice())
    assert failures == ["No project is open. Open one, or create one, first."]


def test_the_usual_folder_lies_beside_the_project(session) -> None:
    folder = session.project.folder
    assert session.exports.usual_folder == folder.parent / f"{folder.name}-export"
