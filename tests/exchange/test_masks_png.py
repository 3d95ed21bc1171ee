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
from napari_wsss.exchange.masks_png import ExportOptions, export_masks, import_masks

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


def test_one_stem_two_images_keep_their_suffixes_and_come_back(tmp_path, pictures):
    root = pictures(["x.jpg", "x.png", "y.jpg"])
    entries = [("x.jpg", MASK), ("x.png", np.zeros_like(MASK)), ("y.jpg", MASK)]
    export_masks(entries, CLASSES, tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out/SegmentationClass").iterdir())
    assert names == ["x.jpg.png", "x.png.png", "y.png"]
    report = import_masks(tmp_path / "out/SegmentationClass", images_of(root, "x.jpg", "x.png", "y.jpg"), CLASSES)
    assert not read_mask(report.masks["x.png"]).any()
    np.testing.assert_array_equal(read_mask(report.masks["x.jpg"]), MASK)
    assert report.without_mask == ()


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


def test_import_names_every_mask_that_does_not_fit(tmp_path, pictures):
    root = pictures(["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"])
    folder = tmp_path / "masks"
    write_mask(folder / "a.png", MASK, CLASSES)
    write_mask(folder / "again" / "a.png", MASK, CLASSES)
    write_mask(folder / "b.png", MASK.T, CLASSES)
    write_mask(folder / "c.png", np.full((3, 4), 7, np.uint8), CLASSES)
    write_mask(folder / "nobody.png", MASK, CLASSES)
    Image.new("RGB", (4, 3), "red").save(folder / "d.png")
    Image.new("L", (4, 3)).save(folder / "e.jpg")
    report = import_masks(folder, images_of(root, "a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"), CLASSES)
    assert set(report.masks) == {"a.jpg"}
    assert report.unmatched == ("nobody.png",)
    assert len(report.duplicates) == 1
    assert report.wrong_size == ("b.png is 3x4, its image 4x3",)
    assert "c.png: holds the values [7]" in report.wrong_values[0]
    assert len(report.unreadable) == 2
    assert report.without_mask == ("b.jpg", "c.jpg", "d.jpg", "e.jpg")
    assert all(word in report.summary() for word in ("nobody.png", "3x4", "[7]", "e.jpg is no PNG"))


def test_black_and_white_masks_are_pointed_out(tmp_path, pictures):
    root = pictures(["a.jpg"])
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.array([[0, 255, 0, 0]] * 3, np.uint8)).save(tmp_path / "masks" / "a.png")
    report = import_masks(tmp_path / "masks", images_of(root, "a.jpg"), CLASSES)
    assert "255 means ignore" in report.notes[0]


def test_import_from_no_folder(tmp_path):
    with pytest.raises(ProjectError, match="not a folder"):
        import_masks(tmp_path / "gone", {}, CLASSES)


@given(st.integers(1, 254), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_every_value_survives(tmp_path_factory, count, seed):
    classes = ClassList([f"c{k}" for k in range(count)])
    folder = tmp_path_factory.mktemp("export")
    values = np.random.default_rng(seed).choice(classes.values(), (3, 5)).astype(np.uint8)
    assert export_masks([("a.jpg", values)], classes, folder).written == ("a.jpg",)
    np.testing.assert_array_equal(read_mask(folder / "SegmentationClass" / "a.png"), values)


def test_names_beside_masks_decide_what_a_value_means(tmp_path, pictures):
    root = pictures(["a.jpg"])
    export_masks([("a.jpg", MASK)], ClassList(["dog", "cat"]), tmp_path / "out")
    for folder in (tmp_path / "out", tmp_path / "out" / "SegmentationClass"):
        report = import_masks(folder, images_of(root, "a.jpg"), CLASSES)
        np.testing.assert_array_equal(report.read("a.jpg"), np.array([0, 2, 1] + [0] * 252 + [255])[MASK])
        assert "classes.txt" in report.summary()


def test_a_class_the_project_does_not_have_is_named(tmp_path, pictures):
    root = pictures(["a.jpg"])
    export_masks([("a.jpg", MASK)], ClassList(["dog", "horse"]), tmp_path / "out")
    report = import_masks(tmp_path / "out", images_of(root, "a.jpg"), CLASSES)
    assert not report.masks
    assert "horse" in report.wrong_values[0]


def test_masks_and_labels_that_contradict_each_other_are_said_and_taken(tmp_path, pictures):
    root = pictures(["a.jpg", "b.jpg", "c.jpg"])
    for name in "abc":
        write_mask(tmp_path / "masks" / f"{name}.png", np.where(MASK == 2, 0, MASK).astype(np.uint8), CLASSES)
    labels = {"a.jpg": {"dog"}, "b.jpg": {"cat"}, "c.jpg": ()}  # nothing of any class
    report = import_masks(tmp_path / "masks", images_of(root, *labels), CLASSES, labels)
    assert set(report.masks) == set(labels)
    assert report.contradictions == (
        "a.png paints cat, which is no label and has no pixel of the label dog",
        "c.png paints cat, which is no label",
    )


@pytest.mark.parametrize(("case", "values"), [("uint16", {0, 1, 2}), ("one_bit", {0, 1}), ("rgb_equal", {0, 1, 2})])
def test_cases_of_other_masks(cases_folder, case, values):
    folder = cases_folder / "bugs" / "10_other_masks"
    report = import_masks(folder / case, {"img.jpg": folder / "img.jpg"}, CLASSES)
    assert report.without_mask == ()
    assert set(np.unique(report.read("img.jpg"))) == values


def test_the_case_of_cvat(cases_folder):
    folder = cases_folder / "bugs" / "10_other_masks" / "cvat"
    report = import_masks(folder, {"0.jpg": folder / "JPEGImages" / "0.jpg"}, CLASSES)
    assert report.without_mask == ()
    assert read_labels(folder).classes == ("cat", "dog")


def test_the_case_of_labelme2voc(cases_folder):
    folder = cases_folder / "bugs" / "11_labelme2voc"
    report = read_labels(folder)
    assert (report.classes, len(report.labels)) == (("cat", "dog"), 2)
    assert (
        import_masks(folder, {name: folder / "JPEGImages" / name for name in report.images}, CLASSES).without_mask == ()
    )
