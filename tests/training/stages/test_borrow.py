from __future__ import annotations

from pathlib import Path

import pytest

from napari_wsss.clusters.found import keep_clusters
from napari_wsss.core.progress import finish
from napari_wsss.pipeline.run import localize
from napari_wsss.project.project import Project
from tests.training.clusters.test_feature_clusters import FEW, apply_localizer
from training.run import main
from training.scoring.left_out import LeftOut


def test_a_correction_is_proposed_for_the_nearest_untouched_images(
    project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(project_folder) as project:
        apply_localizer(project)
        source = next(one for one in project.catalog.ids(states=("accepted",)) if project.catalog.get(one).labels)
        stage = ["borrow", "--project", str(project_folder), "--source", source, "--neighbours", "2", "--device", "cpu"]
    assert main(stage) == 4
    assert "in no cluster" in capsys.readouterr().err

    with Project.open(project_folder) as project:
        keep_clusters(project.results_folder, finish(FEW.find(project, LeftOut())))
        finish(localize(project, project.catalog.ids(), "cpu"))
    assert main([*stage, "--events"]) == 0
    with Project.open(project_folder, read_only=True) as project:
        borrowed = [one for one in project.catalog.records() if one.borrowed_from]
        assert 1 <= len(borrowed) <= 2
        assert {(one.borrowed_from, one.state) for one in borrowed} == {(source, "todo")}
        assert len(list(project.results_folder.glob("borrow-*/**/*.png"))) == len(borrowed)
