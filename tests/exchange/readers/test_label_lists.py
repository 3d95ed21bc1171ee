"""A JSON object of images and their labels."""

import json

from napari_wsss.exchange.reading import reader_of


def test_lists_names_and_null(tmp_path, read):
    (tmp_path / "labels.json").write_text(json.dumps({"a.jpg": ["cat", "dog"], "b.jpg": [], "c": "cat", "d.jpg": None}))
    found, _ = read("label_lists", tmp_path / "labels.json")
    assert [one.classes for one in found] == [{"cat", "dog"}, frozenset(), {"cat"}, None]


def test_other_objects_are_not_taken_for_it(tmp_path):
    for record in ({}, {"a": "b"}, {"a.jpg": 3}, {"a.jpg": [1]}, ["a.jpg"]):
        (tmp_path / "x.json").write_text(json.dumps(record))
        assert not reader_of("label_lists").recognises(tmp_path / "x.json")
