"""Accepted masks are compared with a colleague's of the same images, whose project is only read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.project.project import Project
from napari_wsss.session.models.second_masks import NO_MODEL_BEFORE, Second, brought_over, second_masks
from tests.session.conftest import Sitting


def test_values_follow_the_names_of_classes() -> None:
    theirs, ours = ClassList(("sky", "green", "red")), ClassList(("red", "green", "blue"))
    values = brought_over(theirs, ours, "theirs")
    assert values[[0, 1, 2, 3, 4, 255]].tolist() == [0, 255, 2, 1, 255, 255]
    with pytest.raises(ProjectError, match="none of this project's classes"):
        brought_over(ClassList(("sky",)), ours, "theirs")


def test_two_people(model_folder: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "anna"
    shutil.copytree(model_folder, theirs)
    sitting = Sitting(tmp_path / "config")
    session = sitting.session
    session.open_project(theirs)
    sitting.paint(1, slice(0, 24), slice(16, 32))
    assert sitting.accept(and_next=False)
    session.close_project()
    before = (theirs / "masks").stat().st_mtime_ns, sorted(path.name for path in (theirs / "masks").rglob("*"))
    session.open_project(model_folder)
    sitting.paint(1, slice(0, 24), slice(0, 16))
    assert sitting.accept(and_next=False)
    assert session.disagreement.measure(Second(theirs))
    sitting.settle()
    (one,) = session.disagreement.found
    assert (one.image_id, one.share, one.missed, one.added) == ("p0.png", 1.0, 0.5, 0.5)
    assert session.disagreement.second.name == "anna"
    session.navigation.set_order("differs")
    assert session.queue.at(0) == "p0.png"
    assert before == (
        (theirs / "masks").stat().st_mtime_ns,
        sorted(path.name for path in (theirs / "masks").rglob("*")),
    )

    failed: list[str] = []
    session.signals.failed.connect(failed.append)
    session.disagreement.measure(Second(tmp_path / "nowhere"))
    sitting.settle()
    assert "There is no project" in failed[0]
    session.disagreement.measure(Second(before=True))
    sitting.settle()
    assert failed[1:] == [NO_MODEL_BEFORE]
    session.close_project()
    assert session.disagreement.second == Second()


def test_an_image_that_they_have_not_has_no_second_mask(model_folder: Path, tmp_path: Path) -> None:
    with Project.open(model_folder, read_only=True) as project, second_masks(project, Second(model_folder)) as second:
        assert second("elsewhere.png") is None
        assert second("p0.png") is None
