"""What is dropped is a project, photographs, a label table, or not ours."""

import pytest

from napari_wsss.session.dropped import Dropped, what_is
from tests.session.conftest import build_project, write_picture


@pytest.fixture
def photos(tmp_path):
    for name in ("a/1.png", "a/2.png", "b/3.png"):
        write_picture(tmp_path / "photos" / name, 1)
    (tmp_path / "photos" / "labels.csv").write_text("image,label\n")
    (tmp_path / "empty").mkdir()
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("dropped", "kind", "path"),
    [
        (["."], "images", "."),
        (["a/1.png", "a/2.png"], "images", "a"),
        (["a/1.png", "b/3.png"], "images", "."),
        (["a", "b"], "images", "."),
        (["labels.csv"], "labels", "labels.csv"),
        (["a/1.png"], None, ""),
        (["../empty"], None, ""),
        (["../missing"], None, ""),
        ([], None, ""),
    ],
)
def test_pictures_and_tables(photos, dropped, kind, path):
    expected = Dropped(kind, photos / path) if kind else None
    assert what_is([photos / name for name in dropped]) == expected


@pytest.mark.parametrize("name", ["", "project.sqlite"])
def test_a_project_by_its_folder_or_its_database(tmp_path, name):
    folder = build_project(tmp_path)
    assert what_is([folder / name]) == Dropped("project", folder)
