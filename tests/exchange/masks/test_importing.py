"""Masks of other tools for the images of a project, with everything that does not fit reported."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError
from napari_wsss.core.masks import write_mask
from napari_wsss.exchange.labels import read_labels
from napari_wsss.exchange.masks.importing import MaskChoices, import_masks
from napari_wsss.pixels.decoding.stacks import page_name

CLASSES = ClassList(["cat", "dog"])
MASK = np.array([[0, 1, 2, 255], [0, 0, 1, 1], [2, 2, 2, 0]], np.uint8)


def export_masks(entries, classes, folder):
    """Write masks as an export does: palette PNGs and the class list."""
    for name, mask in entries:
        write_mask(folder / "SegmentationClass" / f"{name}.png", mask, classes)
    (folder / "classes.txt").write_text("\n".join(["background", *classes.names]))


def images_of(root, *names: str):
    return {name: root / name for name in names}


def test_one_stem_two_images_keep_their_suffixes_and_come_back(tmp_path, pictures):
    root = pictures(["x.jpg", "x.png", "y.jpg"])
    entries = [("x.jpg", MASK), ("x.png", np.zeros_like(MASK)), ("y", MASK)]
    export_masks(entries, CLASSES, tmp_path / "out")
    report = import_masks(tmp_path / "out/SegmentationClass", images_of(root, "x.jpg", "x.png", "y.jpg"), CLASSES)
    assert not report.read("x.png").any()
    np.testing.assert_array_equal(report.read("x.jpg"), MASK)
    assert report.without_mask == ()


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
    with pytest.raises(LabelError, match="choose a file or folder"):
        import_masks(tmp_path / "gone", {}, CLASSES)


def test_names_beside_masks_decide_what_a_value_means(tmp_path, pictures):
    root = pictures(["a.jpg"])
    export_masks([("a", MASK)], ClassList(["dog", "cat"]), tmp_path / "out")
    for folder in (tmp_path / "out", tmp_path / "out" / "SegmentationClass"):
        report = import_masks(folder, images_of(root, "a.jpg"), CLASSES)
        np.testing.assert_array_equal(report.read("a.jpg"), np.array([0, 2, 1] + [0] * 252 + [255])[MASK])
        assert "classes.txt" in report.summary()


def test_a_class_the_project_does_not_have_is_named(tmp_path, pictures):
    root = pictures(["a.jpg"])
    export_masks([("a", MASK)], ClassList(["dog", "horse"]), tmp_path / "out")
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


def test_masks_called_as_tools_call_them(tmp_path, pictures):
    names = {"a": "a_mask.png", "b": "mask_b.png", "c": "c-seg.png", "d": "sub/d.labels.png", "e_mask": "e_mask.png"}
    root = pictures([*(f"{name}.jpg" for name in "abc"), "sub/d.jpg", "e_mask.jpg", "e.jpg"])
    for name in names.values():
        write_mask(tmp_path / "masks" / name, MASK, CLASSES)
    images = images_of(root, "a.jpg", "b.jpg", "c.jpg", "sub/d.jpg", "e_mask.jpg", "e.jpg")
    report = import_masks(tmp_path / "masks", images, CLASSES)
    assert report.without_mask == ("e.jpg",)
    assert report.unmatched == ()


def test_objects_become_the_only_class_of_their_image(tmp_path, pictures):
    root = pictures(["a.jpg", "b.jpg"])
    (tmp_path / "masks").mkdir()
    for name in "ab":
        Image.fromarray(MASK.astype(np.uint16) * 200).save(tmp_path / "masks" / f"{name}.png")
    labels = {"a.jpg": {"dog"}, "b.jpg": {"cat", "dog"}}
    images = images_of(root, *labels)
    refused = import_masks(tmp_path / "masks", images, CLASSES, labels)
    assert "take the masks as instances" in refused.wrong_values[0]
    report = import_masks(tmp_path / "masks", images, CLASSES, labels, MaskChoices(instances=True))
    assert set(np.unique(report.read("a.jpg"))) == {0, 2}
    assert "labelled cat, dog" in report.without_class[0]
    assert set(report.pixels) == {"background", "dog"}
    with pytest.raises(LabelError, match="No mask can be used"):
        refused.check()


def test_annotations_of_a_tool_become_masks(tmp_path, pictures):
    root = pictures(["a.jpg"])
    record = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "categories": [{"id": 5, "name": "dog"}, {"id": 6, "name": "horse"}],
        "annotations": [
            {"image_id": 1, "category_id": 5, "segmentation": [[0, 0, 4, 0, 4, 2, 0, 2]]},
            {"image_id": 1, "category_id": 6, "segmentation": [[0, 0, 1, 0, 1, 1, 0, 1]]},
        ],
    }
    (tmp_path / "coco.json").write_text(json.dumps(record))
    refused = import_masks(tmp_path / "coco.json", images_of(root, "a.jpg"), CLASSES)
    assert (refused.masks, refused.unknown) == ({}, {"horse": 1})
    report = import_masks(
        tmp_path / "coco.json", images_of(root, "a.jpg"), CLASSES, None, MaskChoices(unknown="ignore")
    )
    assert report.read("a.jpg").tolist() == [[255, 2, 2, 2], [2, 2, 2, 2], [0, 0, 0, 0]]
    assert "coco" in report.summary()
    assert json.loads(report.as_json())["masks"] == {"a.jpg": "coco.json 'a.jpg'"}


def stack_of_images(root, count=3, width=4):
    """Return the planes of a stack as a project has them."""
    tifffile.imwrite(root / "s.tif", np.zeros((count, 3, width), np.uint8), photometric="minisblack")
    names = [f"s.tif/page-{number:04d}.png" for number in range(1, count + 1)]
    return {name: root / name for name in names}


@pytest.mark.parametrize("name", ["s.tif", "s_mask.tiff", "below/s.tif"])
def test_a_stack_of_masks_is_for_the_pages_of_a_stack(tmp_path, pictures, name):
    images = stack_of_images(pictures(["a.jpg"]))
    stack = np.stack([MASK, MASK * 0, MASK])
    (tmp_path / "masks/below").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "masks" / name, stack, photometric="minisblack")
    report = import_masks(tmp_path / "masks", images, CLASSES)
    for plane, id_ in zip(stack, images, strict=True):
        np.testing.assert_array_equal(report.read(id_), plane)
    assert report.masks[f"s.tif/{page_name(2)}"] == f"{name} page 2 of 3"
    assert "3 masks are pages for those of 1 stacks: s.tif 3" in report.summary()


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_of_masks_is_for_the_pages_of_a_stack(tmp_path, pictures, order):
    images = stack_of_images(pictures(["a.jpg"]), width=8)
    stack = np.tile(np.stack([MASK, MASK * 0, MASK]), 2)
    np.save(tmp_path / "s.npy", np.asarray(stack, order=order))
    report = import_masks(tmp_path / "s.npy", images, CLASSES)
    for plane, id_ in zip(stack, images, strict=True):
        np.testing.assert_array_equal(report.read(id_), plane)
    assert report.masks[f"s.tif/{page_name(2)}"] == "s.npy page 2 of 3"


def test_stacks_of_masks_that_do_not_fit_are_said(tmp_path, pictures):
    root = pictures(["a.jpg"])
    images = images_of(root, "a.jpg") | stack_of_images(root, 2)
    folder = tmp_path / "masks"
    folder.mkdir()
    for name in ("s", "a", "nobody"):
        tifffile.imwrite(folder / f"{name}.tif", np.stack([MASK, MASK.clip(0, 1), MASK]), photometric="minisblack")
    report = import_masks(folder, images, CLASSES)
    assert list(report.masks) == list(images)[1:]
    assert "s.tif page 3 of 3" in report.unmatched
    assert len(report.unmatched) == 4
    assert len(report.unreadable) == 3
    assert report.unreadable[0].startswith("a.tif page 1 of 3: a.jpg is no stack here")


@pytest.mark.parametrize("name", ["s_cp_masks.tif", "s_seg.npy"])
def test_a_stack_of_objects_gets_the_label_of_each_page(tmp_path, pictures, name):
    images = stack_of_images(pictures(["a.jpg"]), 2, width=8)
    objects = np.tile(np.stack([MASK.astype(np.uint16) * 300, MASK.astype(np.uint16) * 0 + 7]), 2)
    if name.endswith(".npy"):
        np.save(tmp_path / name, {"masks": objects, "filename": "s.tif"})
    else:
        tifffile.imwrite(tmp_path / name, objects, photometric="minisblack", metadata={"axes": "TYX"})
    labels = dict(zip(images, ({"cat"}, {"dog"}), strict=True))
    report = import_masks(tmp_path / name, images, CLASSES, labels)
    assert report.kind == "cellpose"
    first, second = map(report.read, images)
    np.testing.assert_array_equal(first, objects[0] > 0)
    assert (second == 2).all()
