"""JSON of strangers: what is of another type reads as nothing."""

import os

import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.annotations.plain_json import (
    has_lists,
    json_files,
    json_or_none,
    objects,
    read_json,
    the_file,
    words,
)


def test_a_file_is_read_again_when_it_changed(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(path) == {"a": 1}
    path.write_text('{"a": 23}')
    assert read_json(path) == {"a": 23}


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 50_000, b"\xff"])
def test_anything_else_is_a_sentence_or_nothing(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    assert json_or_none(path) is None
    with pytest.raises(LabelError, match=r"a\.json"):
        read_json(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    assert json_or_none(tmp_path / "a.json") is None


def test_records_of_other_types():
    assert objects({"a": [{}, 1, None, {"b": 2}]}, "a") == [{}, {"b": 2}]
    assert objects([1], "a") == objects({"a": 3}, "a") == []
    assert has_lists({"a": [], "b": []}, "a", "b")
    assert not has_lists({"a": {}}, "a")
    assert words(["x", 3, " "]) == ["x"]
    assert words("x") == ["x"]


def test_files_of_a_folder_without_hidden_ones(tmp_path):
    for name in ("b.json", "sub/a.json", ".hidden/c.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert [path.name for path in json_files(tmp_path)] == ["b.json", "a.json"]
    assert list(json_files(tmp_path / "b.json")) == [tmp_path / "b.json"]


def test_the_file_of_a_data_set(tmp_path):
    def is_it(path):
        return json_or_none(path) == {}

    assert the_file(tmp_path, ".json", is_it) == tmp_path
    (tmp_path / "annotations").mkdir()
    for name, content in (("data-card.json", "{}"), ("a.json", "[]"), ("annotations/x.json", "{}")):
        (tmp_path / name).write_text(content)
    assert the_file(tmp_path, ".json", is_it) == tmp_path / "annotations" / "x.json"
    assert the_file(tmp_path / "a.json", ".json", is_it) == tmp_path / "a.json"
