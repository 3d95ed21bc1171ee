"""Labels read again for a project: what changes, what a person's edits keep, one step back."""

import json

import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.label_changes import LabelChoices, find_label_changes, take
from napari_wsss.project.label_imports import Said
from napari_wsss.project.project import Project
from tests.tiny_project import IDS

A, B, C, D = IDS


def source(tmp_path, **labels):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({name: labels[key] for key, name in zip("abcd", IDS, strict=True) if key in labels}))
    return path


def test_a_preview_changes_nothing_and_taking_it_is_one_step(project: Project, tmp_path) -> None:
    path = source(tmp_path, a=["dog"], b=[], c=["cat"], d=["cat", "horse"])
    found = find_label_changes(project, path)
    assert found.changes == {A: Said(frozenset({"dog"})), B: Said(frozenset(), negative=True)}
    assert (found.same, found.unknown) == (1, {"horse": 1})
    assert project.catalog.get(A).labels == {"cat", "dog"}
    for words in (f"{A}: cat, dog -> dog", "horse 1", "1 have them already"):
        assert words in found.summary()
    assert take(project, found) == 2
    assert project.catalog.get(A).labels == {"dog"}
    assert project.catalog.get(B).negative
    assert not project.catalog.get(A).label_changed
    assert project.catalog.get(D).labels == {"cat"}, "one of its names is no class, so nothing is believed"


def test_what_a_person_labelled_is_kept_unless_asked(project: Project, tmp_path) -> None:
    project.set_labels(A, {"wild boar"})
    path = source(tmp_path, a=["dog"])
    found = find_label_changes(project, path)
    assert (found.changes, found.kept) == ({}, {A: "dog"})
    take(project, found)
    assert project.catalog.get(A).labels == {"wild boar"}
    take(project, find_label_changes(project, path, LabelChoices(edited_too=True)))
    assert project.catalog.get(A).labels == {"dog"}


def test_a_source_that_says_nothing_usable_is_refused(project: Project, tmp_path) -> None:
    (tmp_path / "labels.json").write_text(json.dumps({"gone.jpg": ["cat"]}))
    found = find_label_changes(project, tmp_path / "labels.json")
    with pytest.raises(LabelError, match="says nothing"):
        take(project, found)
