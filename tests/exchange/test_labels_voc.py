"""Labels from a VOC-style folder: XML, per-class lists, masks."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.masks import write_mask
from napari_wsss.exchange.labels_voc import is_voc, pictures_folder, read_voc
from napari_wsss.exchange.matching import ImageIndex


@pytest.fixture
def voc(pictures):
    """A VOC-style folder with four pictures and nothing else."""
    root = pictures([f"JPEGImages/{name}.jpg" for name in "abcd"], "voc")
    (root / "ImageSets").mkdir()
    return root


def read(root, known=()):
    return read_voc(ImageIndex.of_folder(pictures_folder(root)), root, known)


def write_xml(root, stem: str, *names: str) -> None:
    objects = "".join(f"<object><name>{name}</name><part><name>head</name></part></object>" for name in names)
    path = root / "Annotations" / f"{stem}.xml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"<annotation><filename>{stem}.jpg</filename>{objects}</annotation>")


def put_mask(root, stem: str, *values: int) -> None:
    names = ClassList([f"c{k}" for k in range(1, 255)])
    write_mask(root / "SegmentationClass" / f"{stem}.png", np.array([values], np.uint8), names)


def test_object_names_without_parts(voc):
    write_xml(voc, "a", "cat", "dog", "cat")
    write_xml(voc, "b")
    report = read(voc)
    assert report.labels == {"a.jpg": {"cat", "dog"}, "b.jpg": frozenset()}
    assert report.without_labels == ("c.jpg", "d.jpg")
    assert report.is_clean


@pytest.mark.parametrize(
    "content",
    [
        "<annotation><object>",
        "<html></html>",
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><annotation><object><name>&a;</name></object></annotation>',
        "",
    ],
)
def test_a_bad_annotation_is_named_and_the_others_count(voc, content):
    write_xml(voc, "a", "cat")
    (voc / "Annotations" / "b.xml").write_text(content)
    report = read(voc)
    assert report.labels == {"a.jpg": {"cat"}}
    assert report.unreadable[0].startswith("Annotations/b.xml")


def test_an_annotation_without_image(voc):
    write_xml(voc, "zz", "cat")
    assert "'zz'" in read(voc).unmatched[0]


def test_mask_values_with_a_class_list(voc):
    put_mask(voc, "a", 0, 2, 255)
    put_mask(voc, "b", 0, 0)
    put_mask(voc, "c", 1, 9)
    report = read(voc, ("cat", "dog"))
    assert report.labels == {"a.jpg": {"dog"}, "b.jpg": frozenset()}
    assert "c.png: holds the values [9]" in report.unreadable[0]
    assert set(report.masks) == {"a.jpg", "b.jpg", "c.jpg"}


def test_mask_values_without_a_class_list_keep_their_numbers(voc):
    put_mask(voc, "a", 3)
    put_mask(voc, "b", 1)
    report = read(voc)
    assert report.classes == ("class 1", "class 2", "class 3")
    assert report.labels == {"a.jpg": {"class 3"}, "b.jpg": {"class 1"}}


def test_a_coloured_mask_and_a_mask_without_image_are_named(voc):
    put_mask(voc, "zz", 1)
    Image.new("RGB", (2, 2), "red").save(voc / "SegmentationClass" / "a.png")
    report = read(voc, ("cat",))
    assert "colours" in report.unreadable[0]
    assert "zz.png" in report.unmatched[0]


def test_xml_counts_before_class_lists_before_masks(voc):
    write_xml(voc, "a", "cat")
    (voc / "ImageSets" / "Main").mkdir()
    (voc / "ImageSets" / "Main" / "dog_train.txt").write_text("a 1\nb 1\n")
    for stem in "abc":
        put_mask(voc, stem, 3)
    report = read(voc, ("cat", "dog", "cow"))
    assert report.labels == {"a.jpg": {"cat"}, "b.jpg": {"dog"}, "c.jpg": {"cow"}}
    assert "XML (1 images), per-class lists (1 images), masks (1 images)" in report.source


def test_what_is_a_voc_folder(voc, pictures):
    plain = pictures(["images/a.jpg"], "plain")
    assert is_voc(voc)
    assert pictures_folder(voc) == voc / "JPEGImages"
    assert not is_voc(plain)
    assert pictures_folder(plain) == plain
