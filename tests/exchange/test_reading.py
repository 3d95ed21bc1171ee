"""The one list of formats, and which of them a source is of."""

import json
from types import SimpleNamespace

import pytest

from napari_wsss.core import registry
from napari_wsss.core.errors import LabelError
from napari_wsss.core.registry import declared
from napari_wsss.exchange.annotations.annotated import Annotated
from napari_wsss.exchange.labels import read_labels
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.exchange.reading import (
    KINDS,
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


class Numbers(Reader):
    """A third party's format: the number of the image's class, one a line."""

    title = "Numbers"

    def recognises(self, source, known=()):
        return source.suffix == ".numbers"

    def read(self, source, reading):
        for at, line in enumerate(source.read_text().split()):
            yield Annotated((f"{at}.png",), f"line {at}", frozenset({reading.known[int(line)]}))


def test_a_format_of_another_distribution_is_read(tmp_path, pictures, monkeypatch):
    entry = SimpleNamespace(load=lambda: Numbers)
    monkeypatch.setattr(registry, "_foreign", lambda shelf: {"numbers": entry} if shelf == READERS else {})
    root = pictures(["0.png", "1.png"])
    (tmp_path / "x.numbers").write_text("1 0")
    assert reader_names()[-1] == "numbers"
    report = read_labels(root, tmp_path / "x.numbers", also=("cat", "dog"))
    assert (report.kind, report.labels) == ("numbers", {"0.png": {"dog"}, "1.png": {"cat"}})
