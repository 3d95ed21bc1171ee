"""The one list of formats, and which of them a source is of."""

import json

import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.core.registry import declared
from napari_wsss.exchange.labels import KINDS
from napari_wsss.exchange.reading import (
    READERS,
    label_kinds,
    named_or_recognised,
    reader_names,
    reader_of,
    readers,
    recognised,
)


def test_kinds_of_labels_are_those_of_the_list():
    assert set(label_kinds()) < set(KINDS)
    assert set(label_kinds()) == {name for name, _ in readers("labels")}
    for name in reader_names():
        assert declared(READERS, name, "gives") in ("", reader_of(name).gives)


def test_what_takes_any_picture_is_asked_last(tmp_path):
    assert [name for name, _ in readers("masks")][-1] == "pictures"
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").touch()
    assert recognised(tmp_path, "masks", ("cat",)) == "one_per_class"
    assert recognised(tmp_path, "masks") == "pictures"


def test_what_is_no_source_is_a_sentence(tmp_path):
    (tmp_path / "labels.json").write_text(json.dumps({"a.jpg": ["cat"]}))
    assert named_or_recognised(tmp_path / "labels.json", "labels") == "label_lists"
    for kind, what in (("auto", "of no format"), ("label_lists", "No masks are read as"), ("x", "choose one of")):
        with pytest.raises(LabelError, match=what):
            named_or_recognised(tmp_path / "labels.json", "masks", kind)
    with pytest.raises(LabelError, match="There is no"):
        named_or_recognised(tmp_path / "gone", "masks")
