"""Labels read again for a project: what changes, what a person's edits keep, one step back."""

import json

import numpy as np
import pytest
import tifffile

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.label_changes import LabelChoices, find_label_changes, take
from napari_wsss.project.label_imports import Said
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from tests.tiny_project import HEIGHT, IDS, WIDTH

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


def test_an_entry_for_a_stack_is_one_for_each_of_its_pages(project: Project, tmp_path) -> None:
    tifffile.imwrite(project.images_root / "s.tif", np.zeros((3, HEIGHT, WIDTH), np.uint8), photometric="minisblack")
    project.set_takes_pages(True)
    first, second, third = pages = [f"s.tif/page-{number:04d}.png" for number in (1, 2, 3)]
    project.add_images([NewImage(one, frozenset({"cat"})) for one in pages])
    project.set_takes_pages(False)  # what is there stays what it is
    (tmp_path / "labels.json").write_text(json.dumps({"s.tif": ["dog"], f"images/{third}": ["cat"]}))
    found = find_label_changes(project, tmp_path / "labels.json")
    assert found.changes == {one: Said(frozenset({"dog"})) for one in (first, second)}
    assert (found.same, found.stacks) == (1, {"s.tif": 2})
    assert "count for each of their pages: s.tif 2." in found.summary()
