"""A copy of the work elsewhere is a project of its own, with everything a person made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.project.durable.work_copy import copy_work
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import read_scribbles, write_scribbles

A, B, C = "a.png", "b.png", "day 1/a.png"


def test_everything_a_person_made_is_in_the_copy(project: Project, mask: np.ndarray, tmp_path: Path) -> None:
    project.review.accept(A, mask)
    project.review.save_draft(B, mask)
    project.review.record_stroke(C, np.array([3]), np.array([2], np.uint8))
    write_scribbles(project, C, np.eye(6, 8, dtype=np.uint8))
    with copy_work(project, tmp_path / "elsewhere") as copy:
        assert copy.found == []
        for image_id in (A, B, C):
            assert np.array_equal(copy.masks.read_working(image_id), project.masks.read_working(image_id))
            assert copy.catalog.get(image_id) == project.catalog.get(image_id)
            assert copy.image_path(image_id) == project.image_path(image_id)
        assert np.array_equal(read_scribbles(copy, C), np.eye(6, 8))
    with pytest.raises(ProjectError, match="already holds a project"):
        copy_work(project, tmp_path / "elsewhere")
