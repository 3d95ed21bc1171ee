from __future__ import annotations

from pathlib import Path

import pytest

from napari_wsss.core.errors import ProjectError
from training.stages.voc_folder import project_of, scored_classes


def test_a_project_of_the_folder_is_made_once(tiny_data: Path, tmp_path: Path) -> None:
    with project_of(tiny_data, tmp_path / "p") as project:
        assert len(project.catalog) == 8
        assert "background" not in project.classes.names
        first = project.catalog.at(0)
        assert project.catalog.get(first).labels
        project.set_labels(first, ())
    with project_of(tiny_data, tmp_path / "p") as project:
        assert not project.catalog.get(first).labels


def test_scored_classes_are_optional(tmp_path: Path) -> None:
    assert scored_classes(tmp_path) == ()
    (tmp_path / "classes_eval.txt").write_text("cat\ndog\n")
    assert scored_classes(tmp_path) == ("cat", "dog")


def test_a_folder_without_its_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"classes\.txt"):
        project_of(tmp_path, tmp_path / "p")
    (tmp_path / "classes.txt").write_text("cat\n")
    (tmp_path / "labels.csv").write_text("file,label\na,cat\n")
    with pytest.raises(ProjectError, match="columns image"):
        project_of(tmp_path, tmp_path / "p")
