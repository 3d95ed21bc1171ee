"""One picture per class and image, in the layouts people have."""

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.exchange.annotations.painting import Rules, painted
from napari_wsss.exchange.reading import reader_of

LAYOUTS = {
    "cat/x.png": ("x", "cat"),
    "Cat/sub/x.png": ("sub/x", "cat"),
    "x/wild boar.png": ("x", "wild boar"),
    "x_cat.png": ("x", "cat"),
    "day 1/x-wild boar.png": ("day 1/x", "wild boar"),
}


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(pixels, np.uint8)).save(path)


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(tmp_path, read, name):
    save(tmp_path / name, [[0, 255]])
    (one,), _ = read("one_per_class", tmp_path, ("cat", "wild boar"))
    image, label = LAYOUTS[name]
    assert one.names == (image,)
    assert one.picture.names.names == {1: label}


def test_pixels_that_two_classes_claim_are_ignored(tmp_path, read):
    save(tmp_path / "cat/x.png", [[0, 255, 255]])
    save(tmp_path / "dog/x.png", [[1, 1, 0]])
    (one,), _ = read("one_per_class", tmp_path, ("dog", "cat"))
    assert painted(one, (1, 3), Rules(ClassList(["dog", "cat"]))).tolist() == [[1, 255, 2]]


def test_pictures_of_images_are_not_taken_for_it(tmp_path):
    save(tmp_path / "x.png", [[0, 1]])
    save(tmp_path / "cat/y.png", [[0, 1]])
    assert not reader_of("one_per_class").recognises(tmp_path, ("cat",))


def test_more_than_two_values_or_sizes_are_said(tmp_path, read):
    save(tmp_path / "cat/x.png", [[0, 100, 255]])
    save(tmp_path / "cat/y.png", [[0, 1]])
    save(tmp_path / "dog/y.png", [[0], [1]])
    found, _ = read("one_per_class", tmp_path, ("dog", "cat"))
    for one in found:
        with pytest.raises(ProjectError, match=r"x\.png holds|y\.png is of another size"):
            one.picture.read()
