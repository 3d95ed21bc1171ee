"""What is dropped is a project, photographs, a label table, or not ours."""

import zipfile

import numpy as np
import pytest

from napari_wsss.session.dropped import Dropped, entries_of, holds_maps, what_is
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


def test_annotations_of_other_tools(tmp_path):
    (tmp_path / "labels.json").write_text('{"a.jpg": ["cat"]}')
    (tmp_path / "other.json").write_text("[]")
    np.save(tmp_path / "a_seg.npy", {"masks": np.zeros((2, 2), int)})
    np.save(tmp_path / "picture.npy", np.zeros((2, 2)))
    kinds = {name: what_is([tmp_path / name]) for name in ("labels.json", "other.json", "a_seg.npy", "picture.npy")}
    assert {name: found and found.kind for name, found in kinds.items()} == {
        "labels.json": "labels",
        "other.json": None,
        "a_seg.npy": "masks",
        "picture.npy": None,
    }


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("SegmentationClass/a.png", "labelmap.txt"), "masks"),
        (("job/SegmentationClass/a.png", "ImageSets/Segmentation/default.txt"), "masks"),
        (("annotations/instances_default.json", "images/a.jpg"), "labels"),
        (("annotations.xml",), "labels"),
        (("a.png", "b.png"), "unsure"),
        (("a.npz",), "unsure"),
        (("a.txt",), None),
        ((), None),
    ],
)
def test_archives_of_other_tools(tmp_path, names, kind):
    with zipfile.ZipFile(tmp_path / "job.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    found = what_is([tmp_path / "job.zip"])
    assert (found and found.kind) == kind
    assert {path.name for path in tmp_path.iterdir()} == {"job.zip"}


@pytest.mark.parametrize(
    ("array", "is_maps"),
    [
        (np.zeros((4, 5), np.int64), False),
        (np.zeros((4, 5), np.float32), False),
        (np.zeros((2, 4, 5), np.uint8), False),
        (np.zeros((2, 4, 5), np.float32), True),
        (np.array({0: np.zeros((4, 5))}), True),
    ],
)
def test_a_folder_of_arrays_may_be_masks_or_maps(tmp_path, array, is_maps):
    np.save(tmp_path / "a.npy", array)
    found = what_is([tmp_path])
    assert found == Dropped("unsure", tmp_path)
    assert list(entries_of(found)) == ["a"]
    assert holds_maps(found) == is_maps


def test_a_file_that_is_only_called_an_archive_is_not_ours(tmp_path):
    (tmp_path / "job.zip").write_bytes(b"nothing")
    assert what_is([tmp_path / "job.zip"]) is None
