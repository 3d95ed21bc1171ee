"""Encodings, class lists and separators."""

from __future__ import annotations

import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.text_files import find_separator, read_text, split_name, split_names


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_without_a_note(tmp_path, encoding):
    (tmp_path / "a.csv").write_bytes("grün,ねこ".encode(encoding))
    assert read_text(tmp_path / "a.csv") == ("grün,ねこ", "")


def test_an_old_spreadsheet_is_read_with_a_note(tmp_path):
    (tmp_path / "a.csv").write_bytes("grün".encode("cp1252"))
    text, note = read_text(tmp_path / "a.csv")
    assert text == "grün"
    assert "Windows-1252" in note


@pytest.mark.parametrize("content", [b"PK\x03\x04\0\0binary", b"\xff\xfea"])
def test_what_is_no_text_is_named(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(LabelError, match=r"a\.csv"):
        read_text(tmp_path / "a.csv")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LabelError, match=r"gone\.csv"):
        read_text(tmp_path / "gone.csv")


@pytest.mark.parametrize(
    ("cell", "separator", "names"),
    [
        ("cat dog", None, ["cat", "dog"]),
        ("traffic light; cat", ";", ["traffic light", "cat"]),
        ("cat|dog|", "|", ["cat", "dog"]),
        ("none", None, []),
        ("background", None, []),
    ],
)
def test_names_in_a_cell(cell, separator, names):
    assert find_separator([cell]) == separator
    assert split_names(cell, separator) == names


def test_a_known_name_with_spaces_stays_whole():
    assert split_names("traffic light", None, ["traffic light"]) == ["traffic light"]


@pytest.mark.parametrize(("word", "name"), [("Training", "train"), ("VALID", "val"), ("fold3", "fold3")])
def test_split_words(word, name):
    assert split_name(word) == name
