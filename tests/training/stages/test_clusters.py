from __future__ import annotations

from pathlib import Path

import pytest

from napari_wsss.clusters.editor import ClusterEditor
from napari_wsss.clusters.found import latest_clusters
from napari_wsss.project.project import Project
from tests.training.clusters.test_feature_clusters import apply_localizer
from training.run import main


def test_clusters_are_found_and_listed_with_a_persons_changes(project_folder: Path, tmp_path: Path) -> None:
    with Project.open(project_folder) as project:
        apply_localizer(project)
    stage = ["clusters", "--project", str(project_folder), "--events"]
    assert main([*stage, "--count", "2", "--device", "cpu"]) == 0
    with Project.open(project_folder) as project:
        machine = latest_clusters(project.results_folder)
        assert machine is not None
        assert len(project.catalog.clusters.names()) == sum(len(found.filled()) for found in machine.classes)
        name = next(found.name for found in machine.classes if len(found.filled()) > 0)
        editor = ClusterEditor(project, machine)
        editor.rename(name, editor.shown().of(name).names[machine.of(name).filled()[0]], "from the side")

    assert main([*stage, "--list", "--out", str(tmp_path / "out")]) == 0

    table = (tmp_path / "out" / "table.csv").read_text()
    assert "from the side" in table
    assert sum(len(found.filled()) for found in machine.classes) == len(table.splitlines()) - 1


def test_what_is_missing_is_said(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = ["clusters", "--project", str(project_folder)]
    for options, words in (
        (["--list"], "no clusters yet"),
        ([], "No trained localize"),
        (["--count", "0"], "at least 1"),
    ):
        assert main([*stage, *options]) == 4
        assert words in capsys.readouterr().err
