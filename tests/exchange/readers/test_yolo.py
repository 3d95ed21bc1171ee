"""YOLO folders, after Ultralytics' documentation."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


def converted(mask: np.ndarray, decimals: int) -> str:
    """Return a rectangle of a mask as Ultralytics' converter writes it: whole pixels as rounded shares."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    corners = [(x, y) for x, y in ((0, 0), (0, -1), (-1, -1), (-1, 0))]
    height, width = mask.shape
    points = [(columns[x] / width, rows[y] / height) for x, y in corners]
    return "0 " + " ".join(str(round(float(one), decimals)) for point in points for one in point)


@given(st.integers(0, 2**32 - 1), st.sampled_from([6, 7, 12]))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_rounded_shares_of_pixels_give_back_the_mask(tmp_path_factory, read, seed, decimals):
    folder = tmp_path_factory.mktemp("yolo")
    random = np.random.default_rng(seed)
    height, width = random.integers(2, 2000, 2).tolist()
    (top, bottom), (left, right) = (np.sort(random.integers(0, side, 2)) for side in (height, width))
    mask = np.zeros((height, width), np.uint8)
    mask[top : bottom + 1, left : right + 1] = 1
    (folder / "labels").mkdir()
    (folder / "classes.txt").write_text("cat\n")
    (folder / "labels" / "a.txt").write_text(converted(mask, decimals))
    (found,), _ = read("yolo", folder)
    np.testing.assert_array_equal(painted(found, mask.shape, Rules(ClassList(["cat"]))), mask)


def test_images_without_any_object_are_a_folder_too(tmp_path, read):
    (tmp_path / "data.yaml").write_text(FORMS[0])
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("")
    (only,), _ = read("yolo", tmp_path)
    assert only.classes == frozenset()
