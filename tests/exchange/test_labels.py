"""Which kind of labels a folder holds, and the whole report for each."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.exchange.labels import read_labels

DATA = Path(os.environ.get("WSSS_DATA", Path(__file__).parents[3] / "shared" / "data"))


def files_below(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_csv_in_the_image_folder(pictures):
    root = pictures(["a.jpg", "b.jpg"])
    (root / "labels.csv").write_text("image,labels\na,cat\nb,dog\n")
    (root / "classes.txt").write_text("background\ndog\ncat\n")
    before = files_below(root)
    report = read_labels(root)
    assert (report.kind, report.classes) == ("csv", ("dog", "cat"))
    assert files_below(root) == before


def test_any_single_csv_that_holds_labels_but_no_other_table(pictures):
    root = pictures(["a.jpg", "b.jpg"])
    (root / "sizes.csv").write_text("image,width,height\na.jpg,4,3\nb.jpg,4,3\n")
    assert read_labels(root).kind == "none"
    (root / "sizes.csv").write_text("image,kind of animal\na.jpg,cat\nb.jpg,dog\n")
    assert (read_labels(root).kind, read_labels(root).classes) == ("csv", ("cat", "dog"))


def test_what_a_file_server_keeps_is_no_class_and_no_image(pictures):
    root = pictures(["cat/a.jpg", "cat/@eaDir/a.jpg/small.jpg", "dog/b.jpg", "#recycle/c.jpg", "$RECYCLE.BIN/d.jpg"])
    report = read_labels(root)
    assert (report.images, report.classes) == (("cat/a.jpg", "dog/b.jpg"), ("cat", "dog"))
    assert all(name in report.summary() for name in ("@eaDir", "#recycle", "$RECYCLE.BIN"))


def test_the_case_of_a_file_server(cases_folder):
    report = read_labels(cases_folder / "bugs" / "04_file_server")
    assert (len(report.images), report.classes) == (2, ("cat", "dog"))


def test_pages_and_channels_that_are_left_out_are_said(pictures):
    root = pictures(["a.jpg"])
    tifffile.imwrite(root / "b.tif", np.zeros((3, 4, 5), np.uint8), photometric="minisblack")
    tifffile.imwrite(root / "c.tif", np.zeros((4, 5, 6), np.uint16), photometric="minisblack", planarconfig="contig")
    summary = read_labels(root).summary()
    assert "2 images are used in part: b.tif (first of 3 pages), c.tif (first 3 of 6 channels)" in summary


def test_masks_beside_the_images_that_contradict_labels_are_said(pictures):
    root = pictures(["JPEGImages/a.jpg", "JPEGImages/b.jpg"], "voc")
    (root / "classes.txt").write_text("background\ncat\ndog\n")
    (root / "labels.csv").write_text("image,labels\na,cat\nb,dog\n")
    (root / "SegmentationClass").mkdir()
    for name in "ab":
        Image.fromarray(np.ones((3, 4), np.uint8)).save(root / "SegmentationClass" / f"{name}.png")
    assert read_labels(root).conflicts == ("the mask b.png paints cat, but b.jpg has the labels dog",)


def test_text_list_folders_and_none(pictures):
    assert read_labels(pictures(["cat/a.jpg", "dog/b.jpg"], "classed")).kind == "folders"
    assert read_labels(pictures(["train/cat/a.jpg", "val/cat/b.jpg"], "split")).kind == "folders"
    assert read_labels(pictures(["train/a.jpg", "val/b.jpg"], "only_split")).kind == "none"
    assert read_labels(pictures(["images/a.jpg"], "wrapped")).kind == "none"
    root = pictures(["a.jpg"], "listed")
    assert read_labels(root).kind == "none"
    (root / "labels.txt").write_text("a.jpg cat\n")
    assert (read_labels(root).kind, read_labels(root).classes) == ("text", ("cat",))


def test_no_labels_yet(pictures):
    report = read_labels(pictures(["a.jpg", "b.jpg"]))
    assert (report.kind, report.labels, report.classes) == ("none", {}, ())
    assert report.without_labels == ("a.jpg", "b.jpg")


def test_voc_folder_with_csv_gets_splits_and_masks_from_beside(pictures):
    root = pictures(["JPEGImages/a.jpg", "JPEGImages/b.jpg", "SegmentationClass/a.png"], "voc")
    (root / "ImageSets").mkdir()
    (root / "ImageSets" / "train.txt").write_text("a\nzz\n")
    (root / "labels.csv").write_text("image,labels\na,cat\nb,dog\n")
    for start in (root, root / "JPEGImages"):
        report = read_labels(start)
        assert report.kind == "csv"
        assert report.images == ("a.jpg", "b.jpg")
        assert report.splits == {"a.jpg": "train"}
        assert report.masks == {"a.jpg": root / "SegmentationClass" / "a.png"}
        assert any("zz" in entry for entry in report.unmatched)


def test_a_file_that_is_no_picture_is_named_and_left_out(pictures):
    root = pictures(["a.jpg"])
    (root / "broken.jpg").write_text("not a picture")
    (root / "labels.csv").write_text("image,labels\na,cat\nbroken,dog\n")
    report = read_labels(root)
    assert report.images == ("a.jpg",)
    assert "broken.jpg" in report.unreadable[0]
    assert "broken.jpg" not in report.labels
    assert not report.unmatched
    assert "broken.jpg" in read_labels(root, check_images=False).images


@pytest.mark.parametrize("kind", ["csv", "text"])
def test_a_kind_without_its_file_asks_for_it(pictures, kind):
    with pytest.raises(LabelError, match="choose the file"):
        read_labels(pictures(["a.jpg"]), kind=kind)


def test_sources_that_cannot_be_used(pictures, tmp_path):
    root = pictures(["a.jpg"])
    (tmp_path / "labels.xlsx").touch()
    with pytest.raises(LabelError, match=r"labels\.xlsx"):
        read_labels(root, tmp_path / "labels.xlsx")
    with pytest.raises(LabelError, match="There is no label source"):
        read_labels(root, tmp_path / "gone.csv")
    with pytest.raises(LabelError, match="kind of labels"):
        read_labels(root, kind="xlsx")
    with pytest.raises(LabelError, match="holds no labels we know"):
        read_labels(root, tmp_path)
    with pytest.raises(ProjectError, match="not a folder"):
        read_labels(tmp_path / "gone")


def test_labels_named_apart_from_the_images(pictures, tmp_path):
    root = pictures(["a.jpg", "deep/b.jpg"])
    (tmp_path / "my list.txt").write_text("a.jpg cat\nb cat dog\n")
    assert read_labels(root, tmp_path / "my list.txt").labels["deep/b.jpg"] == {"cat", "dog"}
    assert read_labels(root, root).kind == "folders"


@pytest.mark.real
@pytest.mark.parametrize(("name", "images", "classes"), [("voc_wsss_small", 1000, 20), ("neu_seg", 1238, 3)])
def test_real_folders_are_read_without_a_complaint(name, images, classes):
    root = DATA / name
    if not root.is_dir():
        pytest.skip(f"no {root}; set WSSS_DATA to the folder of real photographs")
    by_csv, by_masks = read_labels(root), read_labels(root, kind="voc")
    assert by_csv.is_clean
    assert (len(by_csv.images), len(by_csv.labels), len(by_csv.classes)) == (images, images, classes)
    assert by_csv.labels == by_masks.labels
    assert by_csv.splits == by_masks.splits
    assert len(by_csv.masks) == images


def test_what_is_said_of_a_stack_is_said_of_each_of_its_pages_but_those_named(pictures):
    root = pictures(["a.jpg"])
    tifffile.imwrite(root / "s.tif", np.zeros((3, 4, 5), np.uint8), photometric="minisblack")
    (root / "labels.csv").write_text("image,labels\na.jpg,cat\ns.tif,dog\ns.tif/page-0002.png,cat\n")
    report = read_labels(root, pages=True)
    pages = [f"s.tif/page-{number:04d}.png" for number in (1, 2, 3)]
    assert report.images == ("a.jpg", *pages)
    assert {one: sorted(names) for one, names in report.labels.items()} == {
        "a.jpg": ["cat"],
        pages[0]: ["dog"],
        pages[1]: ["cat"],
        pages[2]: ["dog"],
    }
    assert report.unmatched == ()
    assert "labels of 1 stacks are those of each of their pages: s.tif 3" in report.summary()
    assert len(read_labels(root).unmatched) == 1, "without pages there is no such image"


def test_several_tables_in_a_folder_are_named(tmp_path, pictures):
    root = pictures(["a.jpg"])
    for name in ("one.csv", "two.csv", "classes.txt"):
        (tmp_path / name).write_text("cat\n")
    with pytest.raises(LabelError, match=r"holds one\.csv, two\.csv; choose the file"):
        read_labels(root, tmp_path)
