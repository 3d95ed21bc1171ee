from __future__ import annotations

from pathlib import Path

import pytest

from napari_wsss.core.cluster_editor import ClusterEditor
from napari_wsss.core.clusters import latest_clusters
from napari_wsss.core.project import Project
from tests.training.conftest import TINY
from training.run import main


def test_clusters_are_listed_with_a_persons_changes(project_folder: Path, tmp_path: Path) -> None:
    trained = ["classifier", "--project", str(project_folder), "--method", "sub_category", "--rounds", "1", *TINY]
    assert main([*trained, "--cluster-count", "2", "--epochs", "1", "--events"]) == 0
    listed = ["clusters", "--project", str(project_folder), "--out", str(tmp_path / "out"), "--events"]
    with Project.open(project_folder) as project:
        machine = latest_clusters(project.results_folder)
        assert machine is not None
        name = next(found.name for found in machine.classes if len(found.filled()) > 0)
        editor = ClusterEditor(project, machine)
        editor.rename(name, editor.shown().of(name).names[machine.of(name).filled()[0]], "from the side")

    assert main(listed) == 0

    table = (tmp_path / "out" / "table.csv").read_text()
    assert "from the side" in table
    assert sum(len(found.filled()) for found in machine.classes) == len(table.splitlines()) - 1


def test_without_clusters_it_says_what_to_do(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clusters", "--project", str(project_folder)]) == 4
    assert "sub_category" in capsys.readouterr().err
