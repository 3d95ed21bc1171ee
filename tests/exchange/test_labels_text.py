"""Labels from a plain text list."""

from __future__ import annotations

import pytest

from napari_wsss.exchange.labels_text import read_list
from napari_wsss.exchange.matching import ImageIndex


@pytest.mark.parametrize(
    "text",
    [
        "a.jpg cat dog\nb dog\n",
        "# comment\n\na.jpg\tcat dog\nb\tdog\n",
        "a.jpg cat,dog\nb dog\n",
        "a.jpg, cat, dog\nb, dog\n",
        "photos/a.jpg cat;dog\n./b.jpg dog\r\n",
        "a.jpg\tcat\tdog\nb\tdog\n",
    ],
)
def test_every_form_says_the_same(tmp_path, index, text):
    (tmp_path / "list.txt").write_text(text)
    report = read_list(index, tmp_path / "list.txt")
    assert report.labels == {"a.jpg": {"cat", "dog"}, "b.jpg": {"dog"}}
    assert report.is_clean


def test_paths_with_spaces(tmp_path, pictures):
    root = pictures(["my photo 1.jpg", "my.jpg"])
    (tmp_path / "list.txt").write_text("my photo 1.jpg cat dog\nmy.jpg cat\n")
    report = read_list(ImageIndex.of_folder(root), tmp_path / "list.txt")
    assert report.labels == {"my photo 1.jpg": {"cat", "dog"}, "my.jpg": {"cat"}}
    (tmp_path / "list.txt").write_text("gone photo 2.jpg cat\n")
    assert "'gone photo 2.jpg'" in read_list(ImageIndex.of_folder(root), tmp_path / "list.txt").unmatched[0]


def test_problems_are_named_by_line(tmp_path, index):
    (tmp_path / "list.txt").write_text("a.jpg cat\nnowhere.jpg cat\na dog\nb.jpg\nsub/d.jpg none\n")
    report = read_list(index, tmp_path / "list.txt")
    assert report.labels == {"a.jpg": {"cat"}, "sub/d.jpg": frozenset()}
    assert "line 2: 'nowhere.jpg'" in report.unmatched[0]
    assert "line 3" in report.duplicates[0]
    assert report.without_labels == ("b.jpg", "c.png")


def test_numbers_as_labels_are_noted(tmp_path, index):
    (tmp_path / "list.txt").write_text("a.jpg 0\nb.jpg 12\nc 3\n")
    report = read_list(index, tmp_path / "list.txt")
    assert report.classes == ("0", "3", "12")
    assert "numbers" in report.summary()
