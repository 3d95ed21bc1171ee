"""Splits and per-class lists of ``ImageSets``."""

from __future__ import annotations

import pytest

from napari_wsss.exchange.label_report import LabelCollector
from napari_wsss.exchange.voc_lists import read_lists


@pytest.fixture
def lists(tmp_path, index):
    def read(files: dict[str, str]) -> tuple[LabelCollector, dict[str, set[str]]]:
        for name, text in files.items():
            path = tmp_path / "ImageSets" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        into = LabelCollector(index)
        return into, read_lists(tmp_path, into)

    return read


def test_splits_of_the_first_folder_that_names_an_image(lists):
    into, _ = lists(
        {"Segmentation/train.txt": "a\n", "Main/val.txt": "a\nb\n", "Segmentation/trainval.txt": "a\nb\nc\n"}
    )
    assert into.splits == {"a.jpg": "train", "b.jpg": "val"}
    assert not into.conflicts


def test_an_image_in_train_and_val_is_a_conflict(lists):
    into, _ = lists({"train.txt": "a\n", "val.txt": "a\n"})
    assert "val.txt line 1" in into.conflicts[0]


def test_an_entry_without_image_is_named(lists):
    into, _ = lists({"train.txt": "a\nmissing\n"})
    assert into.unmatched == ["ImageSets/train.txt line 2: 'missing'"]


def test_per_class_lists_even_of_a_class_called_train(lists):
    into, flagged = lists(
        {"Main/cat_train.txt": "a  1\nb -1\n", "Main/train_train.txt": "a -1\nb  0\n", "Main/train.txt": "a\nb\n"}
    )
    assert flagged == {"a.jpg": {"cat"}, "b.jpg": {"train"}}
    assert into.splits == {"a.jpg": "train", "b.jpg": "train"}


def test_lists_with_image_and_mask_path(lists, index):
    mask = index.root.parent / "SegmentationClassAug" / "a.png"
    mask.parent.mkdir()
    mask.touch()
    into, _ = lists({"train_aug.txt": "/photos/a.jpg /SegmentationClassAug/a.png\n/photos/b.jpg /gone/b.png\n"})
    assert into.splits == {"a.jpg": "train", "b.jpg": "train"}
    assert into.masks == {"a.jpg": mask}
