"""Labels from sub-folder names."""

from __future__ import annotations

import shutil

from napari_wsss.exchange.labels_folders import read_folders
from napari_wsss.exchange.matching import ImageIndex


def test_first_folder_is_the_class(pictures):
    root = pictures(["cat/1.jpg", "dog/2.jpg", "dog/spaniel/3.jpg", "4.jpg", "none/5.jpg", "unlabelled/6.jpg"])
    report = read_folders(ImageIndex.of_folder(root))
    assert report.labels == {
        "cat/1.jpg": {"cat"},
        "dog/2.jpg": {"dog"},
        "dog/spaniel/3.jpg": {"dog"},
        "none/5.jpg": frozenset(),
    }
    assert report.without_labels == ("4.jpg", "unlabelled/6.jpg")
    assert report.classes == ("cat", "dog")
    assert "deeper folders" in report.summary()


def test_split_folders_come_off_first(pictures):
    root = pictures(["train/cat/1.jpg", "train/dog/2.jpg", "valid/cat/3.jpg"])
    report = read_folders(ImageIndex.of_folder(root))
    assert report.splits == {"train/cat/1.jpg": "train", "train/dog/2.jpg": "train", "valid/cat/3.jpg": "val"}
    assert report.classes == ("cat", "dog")


def test_one_picture_in_two_class_folders_is_reported(pictures):
    root = pictures(["cat/1.jpg", "dog/2.jpg", "cat/same_name.png", "dog/same_name.png"])
    shutil.copy(root / "cat/1.jpg", root / "dog/1.jpg")
    report = read_folders(ImageIndex.of_folder(root))
    assert len(report.duplicates) == 1
    assert "'dog/1.jpg' is the same picture as 'cat/1.jpg'" in report.duplicates[0]
    assert len(report.labels) == 5
