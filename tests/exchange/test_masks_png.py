"""Masks from folders, with everything that does not fit reported."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import write_mask
from napari_wsss.exchange.labels import read_labels
from napari_wsss.exchange.masks_png import import_masks
from tests.exports import exported

CLASSES = ClassList(["cat", "dog"])
MASK = np.array([[0, 1, 2, 255], [0, 0, 1, 1], [2, 2, 2, 0]], np.uint8)


def images_of(root, *names: str):
    return {name: root / name for name in names}


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


def test_names_beside_masks_decide_what_a_value_means(tmp_path, pictures):
    root = pictures(["a.jpg"])
    exported(tmp_path / "out", {"a.jpg": MASK}, classes=ClassList(["dog", "cat"]))
    for folder in (tmp_path / "out", tmp_path / "out" / "SegmentationClass"):
        report = import_masks(folder, images_of(root, "a.jpg"), CLASSES)
        np.testing.assert_array_equal(report.read("a.jpg"), np.array([0, 2, 1] + [0] * 252 + [255])[MASK])
        assert "classes.txt" in report.summary()


def test_a_class_the_project_does_not_have_is_named(tmp_path, pictures):
    root = pictures(["a.jpg"])
    exported(tmp_path / "out", {"a.jpg": MASK}, classes=ClassList(["dog", "horse"]))
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
