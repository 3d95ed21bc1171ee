"""Exports in any format: checked, guarded, repeatable, told."""

import json
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ParameterError, ProjectError, StepError
from napari_wsss.core.masks import read_mask
from napari_wsss.core.progress import finish
from napari_wsss.exchange import export_folder
from napari_wsss.exchange.data_card import CARD, About
from napari_wsss.exchange.export import FORMATS, Entry, export, formats_of, load_format
from napari_wsss.exchange.export_folder import UNFINISHED
from napari_wsss.exchange.labels import read_labels
from napari_wsss.exchange.masks.importing import import_masks
from napari_wsss.exchange.writers.base import Kind
from napari_wsss.pixels.images import result_names
from tests.exports import CLASSES, IDS, MASK, entry, exported


def images_of(root, *names: str):
    return {name: root / name for name in names}


def test_every_format_has_a_title_and_a_kind() -> None:
    titles = [title for kind in get_args(Kind) for title in formats_of(kind).values()]
    assert len(titles) == len(set(titles)) == len(FORMATS)
    with pytest.raises(StepError, match="coco_polygons"):
        load_format("cocoa")


def test_what_cannot_be_exported_is_named_and_the_rest_is_written(tmp_path) -> None:
    def gone() -> None:
        raise ProjectError("b.jpg is gone.")

    entries = [entry("a.jpg", MASK), Entry("b.jpg", gone), entry("c.jpg", np.full((2, 2), 3, np.uint8))]
    report = finish(export([*entries, Entry("d.jpg", lambda: None)], CLASSES, tmp_path))
    assert (report.written, report.without) == (("a.jpg",), 1)
    assert report.left_out == ("b.jpg is gone", "c.jpg: holds the values [3]; expected 0 to 2 or 255")
    assert report.pixels == {"background": 4, "cat": 3, "traffic light": 4}
    assert "1 image has none yet" in report.summary()


def test_an_empty_class_is_told(tmp_path) -> None:
    assert "No pixel of: traffic light." in exported(tmp_path, {"a.jpg": (MASK % 2).astype(np.uint8)}).summary()


def test_several_formats_have_folders_of_their_own_but_those_beside(tmp_path) -> None:
    exported(tmp_path, {"a.jpg": MASK}, "voc", "coco", "grey")
    found = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")}
    assert {"voc", "coco", "SegmentationClassGrey"} <= found
    assert "SegmentationClass" not in found


def test_formats_of_two_kinds_are_refused(tmp_path) -> None:
    with pytest.raises(ParameterError, match=r"coco \(masks\), maps_npz \(maps\)"):
        exported(tmp_path, {"a.jpg": MASK}, "coco", "maps_npz")


def test_one_stem_two_images_keep_their_suffixes_and_come_back(tmp_path, pictures) -> None:
    root = pictures(["x.jpg", "x.png", "y.jpg"])
    exported(tmp_path / "out", {"x.jpg": MASK, "x.png": np.zeros_like(MASK), "y.jpg": MASK})
    names = sorted(path.name for path in (tmp_path / "out/SegmentationClass").iterdir())
    assert names == ["x.jpg.png", "x.png.png", "y.png"]
    report = import_masks(tmp_path / "out/SegmentationClass", images_of(root, "x.jpg", "x.png", "y.jpg"), CLASSES)
    assert not report.read("x.png").any()
    np.testing.assert_array_equal(report.read("x.jpg"), MASK)
    assert report.without_mask == ()


def test_names_are_told_apart_whatever_their_case() -> None:
    assert result_names(["A.jpg", "a.png", "b.c.jpg", "d/a.jpg"]) == ["A.jpg", "a.png", "b.c", "d/a"]


def test_masks_that_no_export_made_are_not_replaced_unasked(tmp_path) -> None:
    exported(tmp_path, {"a.jpg": MASK})
    (tmp_path / CARD).unlink()
    other = {"a.jpg": np.zeros_like(MASK)}
    with pytest.raises(ProjectError, match="no earlier export made it"):
        exported(tmp_path, other)
    np.testing.assert_array_equal(read_mask(tmp_path / "SegmentationClass/a.png"), MASK)
    assert exported(tmp_path, other, overwrite=True).files["replaced"] > 0
    assert not read_mask(tmp_path / "SegmentationClass/a.png").any()


def test_an_export_of_another_choice_is_not_replaced_unasked(tmp_path) -> None:
    for choice in ({"search": "class:cat"}, {"search": "class:dog"}):
        export_ = export([entry("a.jpg", MASK)], CLASSES, tmp_path, None, About("mine", choice))
        if choice["search"] == "class:cat":
            finish(export_)
        else:
            with pytest.raises(ProjectError, match=r"an export of mine with another choice \(search: class:cat, now"):
                finish(export_)


def test_ids_values_and_colours_stay(tmp_path) -> None:
    exported(tmp_path / "one", {"a.jpg": MASK}, "datumaro")
    more = ClassList([*CLASSES.names, "dog"])
    exported(tmp_path / "two", {"a.jpg": MASK, "b.jpg": MASK}, "datumaro", classes=more)
    read = [json.loads((tmp_path / one / "annotations/train.json").read_text()) for one in ("one", "two")]
    first, second = (record["categories"]["mask"]["colormap"][:3] for record in read)
    assert first == second


def test_an_export_that_broke_off_is_marked_and_goes_on(tmp_path, monkeypatch) -> None:
    masks, written = dict.fromkeys(IDS, MASK), []
    whole = export_folder.publish

    def failing(path):
        if path.suffix == ".png":
            written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return whole(path)

    with monkeypatch.context() as patch:
        patch.setattr(export_folder, "publish", failing)
        with pytest.raises(OSError, match="No space"):
            exported(tmp_path, masks)
    assert (tmp_path / UNFINISHED).is_file()
    report = exported(tmp_path, masks | {IDS[0]: np.zeros_like(MASK)})
    assert (len(report.written), report.files["kept"], report.files["replaced"]) == (3, 1, 1)
    assert not (tmp_path / UNFINISHED).exists()
    assert not read_mask(tmp_path / "SegmentationClass/a.png").any(), "decided anew since it broke off"


def test_stopping_it_leaves_the_folder_marked(tmp_path) -> None:
    steps = export([entry(one, MASK) for one in IDS], CLASSES, tmp_path)
    assert next(steps).total == 3
    next(steps)
    steps.close()
    assert (tmp_path / UNFINISHED).is_file()


def test_export_is_read_back_as_a_voc_folder(tmp_path, pictures) -> None:
    root = pictures(["JPEGImages/a.jpg", "JPEGImages/b.jpg"], "voc")
    exported(root, {"a.jpg": MASK, "b.jpg": np.zeros_like(MASK)})
    report = read_labels(root)
    assert report.labels == {"a.jpg": {"cat", "traffic light"}, "b.jpg": frozenset()}
    assert (report.classes, report.splits) == (CLASSES.names, {"a.jpg": "train"})
    assert report.is_clean


@given(st.integers(1, 254), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_every_value_survives(tmp_path_factory, count: int, seed: int) -> None:
    classes = ClassList([f"c{k}" for k in range(count)])
    folder = tmp_path_factory.mktemp("export")
    values = np.random.default_rng(seed).choice(classes.values(), (3, 5)).astype(np.uint8)
    assert exported(folder, {"a.jpg": values}, classes=classes).written == ("a.jpg",)
    np.testing.assert_array_equal(read_mask(folder / "SegmentationClass" / "a.png"), values)


def test_an_image_without_its_file_is_told_where_images_are_wanted(tmp_path) -> None:
    report = exported(tmp_path / "out", {"a.jpg": MASK}, photos=tmp_path, images="copy")
    assert report.written == ("a.jpg",)
    assert "a.jpg has no image file" in report.summary()


def test_pictures_that_are_stored_turned_are_told_where_they_are_handed_out(tmp_path) -> None:
    exif = Image.Exif()
    for name, orientation in (("a.jpg", 6), ("b.jpg", 1)):
        exif[0x0112] = orientation
        Image.new("RGB", MASK.shape).save(tmp_path / name, exif=exif)
    for images in ("copy", "none"):
        report = exported(tmp_path / images, {"a.jpg": MASK, "b.jpg": MASK.T}, photos=tmp_path, images=images)
        assert any("EXIF orientation (a.jpg)" in note for note in report.notes) == (images == "copy")
