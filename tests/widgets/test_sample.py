"""The sample project is generated once and opened again afterwards."""

from __future__ import annotations

import pytest

from napari_wsss.project.project import Project
from napari_wsss.widgets import reader, sample
from napari_wsss.widgets.sample import open_sample, sample_project


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


def test_opening_it_gives_a_layer_and_opens_the_dock(folder, monkeypatch, qtbot):
    opened = []
    monkeypatch.setattr(reader, "_open_dock", opened.append)
    monkeypatch.setattr(sample, "cache_folder", lambda: folder)
    [(pixels, options, kind)] = open_sample()
    assert (pixels.shape, options["name"], kind) == ((64, 64, 3), "image", "image")
    qtbot.waitUntil(lambda: opened == [folder / "project"], timeout=20000)


def test_the_cache_is_the_users(qapp):
    assert sample.cache_folder().parts[-2:] == ("napari-wsss", "sample")
