"""Labels of many images from a file, and taken back at once."""

import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.project.label_imports import Said
from napari_wsss.project.project import Project
from tests.tiny_project import IDS
from training.changes import _decisions

A, B, C, _ = IDS
CHANGES = {A: Said(frozenset({"wild boar"})), B: Said(frozenset(), negative=True), C: Said(frozenset())}


def labels(project: Project) -> list[Said]:
    return [Said.of(record) for record in project.catalog.records()]


def test_taken_and_taken_back(project: Project) -> None:
    before = labels(project)
    project.set_labels(A, {"dog"})
    project.set_labels(A, {"cat", "dog"})
    assert project.label_imports.take(CHANGES, "labels.csv") == 3
    assert project.label_imports.last == "labels.csv"
    assert labels(project)[:3] == list(CHANGES.values())
    assert project.label_imports.take_back() == ((A, B, C), ())
    assert labels(project) == before
    assert (project.label_imports.last, project.label_imports.take_back()) == ("", ((), ()))


def test_what_was_edited_since_stays(project: Project) -> None:
    project.label_imports.take(CHANGES, "x")
    project.set_labels(A, {"dog"})
    assert project.label_imports.take_back() == ((B, C), (A,))
    assert project.catalog.get(A).labels == {"dog"}


def test_the_last_of_two_comes_back_first(project: Project) -> None:
    project.label_imports.take({A: Said(frozenset({"dog"}))}, "first")
    project.label_imports.take({A: Said(frozenset({"cat"}))}, "second")
    project.label_imports.take_back()
    assert (project.catalog.get(A).labels, project.label_imports.last) == ({"dog"}, "first")


def test_an_unknown_class_changes_nothing(project: Project) -> None:
    before = labels(project)
    with pytest.raises(LabelError):
        project.label_imports.take({**CHANGES, B: Said(frozenset({"horse"}))}, "x")
    assert labels(project) == before
    assert project.label_imports.last == ""


def test_a_training_run_counts_images_not_imports(project: Project) -> None:
    project.label_imports.take(CHANGES, "x")
    assert _decisions(project.journal, 0) == ["other labels of 3 images"]
