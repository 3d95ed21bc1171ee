"""Colour pictures tell the classes apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.exchange.masks.importing import import_masks
from tests.exports import exported, sets


@given(sets())
@settings(max_examples=15, deadline=None)
def test_every_value_has_a_colour_of_its_own(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("colours")
    exported(out, masks, "colours", classes=classes)
    values = {tuple(colour): value for value, colour in enumerate(classes.palette.tolist())}
    assert len(values) == 256
    for image_id, mask in masks.items():
        pixels = np.array(Image.open(out / "colours" / f"{image_id[:-4]}.png"))
        found = [[values[tuple(colour)] for colour in row] for row in pixels.tolist()]
        np.testing.assert_array_equal(found, mask)


@pytest.mark.parametrize("name", ["colours", "cvat_masks"])
def test_the_folder_of_an_export_is_taken_back_as_masks(tmp_path, name) -> None:
    masks = {"a.png": np.array([[0, 1, 2], [2, 2, 255]], np.uint8)}
    classes = ClassList(("cat", "dog"))
    exported(tmp_path / "out", masks, name, classes=classes)
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / "a.png")
    report = import_masks(tmp_path / "out", {"a.png": tmp_path / "a.png"}, ClassList(("dog", "cat")))
    np.testing.assert_array_equal(report.read("a.png"), [[0, 2, 1], [1, 1, 255]])
