"""The sample project is generated once and opened again afterwards."""

from __future__ import annotations

import pytest

from napari_wsss.project.project import Project
from napari_wsss.widgets.project import sample
from napari_wsss.widgets.project.sample import sample_project


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache") / "sample"
    sample_project(folder, images=6, size=64)
    return folder


def test_the_project_has_labels_and_a_fixed_validation_split(folder):
    with Project.open(folder / "project", read_only=True) as project:
        assert len(project.catalog) == 6
        records = list(project.catalog.records())
        assert all(record.labels for record in records)
        assert {record.split for record in records} == {"train", "val"}


def test_a_second_call_keeps_what_a_person_did(folder):
    with Project.open(folder / "project") as project:
        project.set_note(next(iter(project.catalog.ids())), "mine")
    assert sample_project(folder, images=6, size=64) == folder / "project"
    with Project.open(folder / "project", read_only=True) as project:
        assert next(iter(project.catalog.records())).note == "mine"


def test_an_interrupted_first_try_is_done_again(tmp_path):
    (tmp_path / "sample" / "pictures").mkdir(parents=True)
    (tmp_path / "sample" / "pictures" / "labels.csv").write_text("half a")
    assert (sample_project(tmp_path / "sample", images=5, size=64) / "project.sqlite").is_file()


def test_the_cache_is_the_users(qapp):
    assert sample.cache_folder().parts[-2:] == ("napari-wsss", "sample")
