"""YOLO folders, after Ultralytics' documentation."""

import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.exchange.annotations.painting import Rules, painted
from napari_wsss.exchange.readers.yolo import names_in

FORMS = [
    "path: x\nnames: [cat, 'big dog']\nnc: 2\n",
    "names: {0: cat, 1: big dog}\n",
    "names:\n  0: cat\n  1: big dog  # large\ntrain: images\n",
    'names:\n- cat\n- "big dog"\n',
    "train: a\nnames: [\n  'cat',\n  'big dog'\n]\n",
]


@pytest.mark.parametrize("text", FORMS)
def test_names_in_yaml(text):
    assert names_in(text, is_yaml=True) == {0: "cat", 1: "big dog"}


def test_names_in_lines_and_nowhere():
    assert names_in("cat\ndog\n", is_yaml=False) == {0: "cat", 1: "dog"}
    assert names_in("train: x\n", is_yaml=True) == {}


def test_a_folder(tmp_path, read):
    (tmp_path / "data.yaml").write_text(FORMS[0])
    labels = tmp_path / "labels" / "train"
    labels.mkdir(parents=True)
    (labels / "a.txt").write_text("0 0 0 1 0 1 1 0 1\n1 0.5 0.5 0.1 0.1\n7 0.5 0.5 0.1 0.1\n0 0.5 x 1 1\n")
    (labels / "b.txt").write_text("")
    (first, second), reading = read("yolo", tmp_path)
    assert (first.names, first.split, first.classes) == (("train/a", "a"), "train", {"cat", "big dog"})
    assert second.classes == frozenset()
    assert len(reading.unreadable) == 2
    assert (painted(first, (3, 4), Rules(ClassList(["cat", "big dog"]))) == 1).all()
    assert reading.classes == ("cat", "big dog")
