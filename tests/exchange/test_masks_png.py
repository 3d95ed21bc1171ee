"""Masks out in VOC layout and back in, with everything that does not fit reported."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import read_mask, write_mask
from napari_wsss.exchange.labels import read_labels
from napari_wsss.exchange.masks_png import ExportOptions, export_masks

CLASSES = ClassList(["cat", "dog"])
MASK = np.array([[0, 1, 2, 255], [0, 0, 1, 1], [2, 2, 2, 0]], np.uint8)


def images_of(root, *names: str):
    return {name: root / name for name in names}


def test_palette_png_lists_and_class_list(tmp_path):
    report = export_masks(
        [("a.jpg", MASK), ("sub/b.jpg", MASK), ("c.jpg", MASK)],
        CLASSES,
        tmp_path / "out",
        splits={"a.jpg": "train", "sub/b.jpg": "val"},
    )
    out = tmp_path / "out"
    with Image.open(out / "SegmentationClass" / "a.png") as image:
        assert (image.mode, image.size) == ("P", (4, 3))
        np.testing.assert_array_equal(np.asarray(image), MASK)
        assert len(image.getpalette()) == 768
    assert (out / "ImageSets/Segmentation/train.txt").read_text() == "a\n"
    assert (out / "ImageSets/Segmentation/val.txt").read_text() == "sub/b\n"
    assert (out / "ImageSets/Segmentation/all.txt").read_text() == "a\nsub/b\nc\n"
    assert (out / "classes.txt").read_text() == "background\ncat\ndog\n"
    assert report.written == ("a.jpg", "sub/b.jpg", "c.jpg")
    assert report.pixels == {"background": 12, "cat": 9, "dog": 12}
    assert not (out / "preview").exists()


def test_grey_and_colour_pictures_on_request(tmp_path):
    export_masks([("a.jpg", MASK)], CLASSES, tmp_path, ExportOptions(grey=True, previews=True))
    with Image.open(tmp_path / "SegmentationClassGrey" / "a.png") as grey:
        assert grey.mode == "L"
        np.testing.assert_array_equal(np.asarray(grey), MASK)
    with Image.open(tmp_path / "preview" / "a.png") as preview:
        np.testing.assert_array_equal(np.asarray(preview), CLASSES.palette[MASK])


def test_files_as_masks_and_what_cannot_be_exported(tmp_path):
    write_mask(tmp_path / "good.png", MASK, CLASSES)
    entries = [
        ("a.jpg", tmp_path / "good.png"),
        ("b.jpg", tmp_path / "gone.png"),
        ("c.jpg", np.full((2, 2), 3, np.uint8)),
    ]
    report = export_masks(entries, CLASSES, tmp_path / "out")
    assert report.written == ("a.jpg",)
    assert len(report.left_out) == 2
    assert "c.jpg: holds the values [3]" in report.left_out[1]
    assert "gone.png" in report.summary()


def test_dry_run_writes_nothing(tmp_path):
    report = export_masks([("a.jpg", MASK)], CLASSES, tmp_path / "out", ExportOptions(dry_run=True))
    assert not (tmp_path / "out").exists()
    assert "1 masks would be written" in report.summary()


def test_existing_masks_are_not_overwritten_unasked(tmp_path):
    export_masks([("a.jpg", MASK)], CLASSES, tmp_path)
    with pytest.raises(ProjectError, match="already"):
        export_masks([("a.jpg", np.zeros_like(MASK))], CLASSES, tmp_path)
    report = export_masks([("a.jpg", np.zeros_like(MASK))], CLASSES, tmp_path, ExportOptions(overwrite=True))
    assert report.replaced == 1
    assert not read_mask(tmp_path / "SegmentationClass" / "a.png").any()


def test_export_is_read_back_as_a_voc_folder(tmp_path, pictures):
    root = pictures(["JPEGImages/a.jpg", "JPEGImages/b.jpg"], "voc")
    export_masks([("a.jpg", MASK), ("b.jpg", np.zeros_like(MASK))], CLASSES, root, splits={"a.jpg": "val"})
    report = read_labels(root)
    assert report.labels == {"a.jpg": {"cat", "dog"}, "b.jpg": frozenset()}
    assert (report.classes, report.splits) == (("cat", "dog"), {"a.jpg": "val"})
    assert report.is_clean


@given(st.integers(1, 254), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_every_value_survives(tmp_path_factory, count, seed):
    classes = ClassList([f"c{k}" for k in range(count)])
    folder = tmp_path_factory.mktemp("export")
    values = np.random.default_rng(seed).choice(classes.values(), (3, 5)).astype(np.uint8)
    assert export_masks([("a.jpg", values)], classes, folder).written == ("a.jpg",)
    np.testing.assert_array_equal(read_mask(folder / "SegmentationClass" / "a.png"), values)
