from __future__ import annotations

import time

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import newest_scribbles, read_scribbles, scribble_path, write_scribbles

ID = "day 1/a.png"


def dot() -> np.ndarray:
    values = np.zeros((6, 8), np.uint8)
    values[2, 3] = 1
    return values


def test_scribbles_come_back(project: Project) -> None:
    assert read_scribbles(project, ID) is None
    write_scribbles(project, ID, dot())
    found = read_scribbles(project, ID)
    assert found is not None
    assert np.array_equal(found, dot())


def test_scribbles_older_than_the_acceptance_are_spent_until_it_is_taken_back(
    project: Project, mask: np.ndarray
) -> None:
    write_scribbles(project, ID, dot(), when=time.time() - 10)
    project.review.accept(ID, np.minimum(mask, 1))
    assert read_scribbles(project, ID) is None
    project.review.undo()
    assert read_scribbles(project, ID) is not None


def test_wiped_scribbles_are_none(project: Project) -> None:
    write_scribbles(project, ID, np.zeros((6, 8), np.uint8))
    assert read_scribbles(project, ID) is None


def test_a_damaged_file_is_said(project: Project) -> None:
    write_scribbles(project, ID, dot())
    scribble_path(project, ID).write_bytes(b"no picture")
    with pytest.raises(ProjectError, match="cannot be read"):
        read_scribbles(project, ID)


def test_the_last_time_anybody_scribbled_is_known(project: Project) -> None:
    assert newest_scribbles(project) == 0
    write_scribbles(project, ID, dot())
    assert newest_scribbles(project) == scribble_path(project, ID).stat().st_mtime
    write_scribbles(project, ID, np.zeros((6, 8), np.uint8))
    assert newest_scribbles(project) == 0
    assert [path.name for path in (project.folder / "trash").rglob("*.png")] == ["a.png.png"]
