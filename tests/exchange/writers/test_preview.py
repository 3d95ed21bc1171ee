"""Previews show the photograph below the classes."""

import numpy as np
from PIL import Image

from napari_wsss.exchange.writers.preview import laid_over
from tests.exports import CLASSES, MASK, exported


def test_background_shows_the_image_and_borders_the_colour() -> None:
    pixels = np.full((3, 4, 3), 200, np.uint8)
    found = laid_over(pixels, CLASSES.palette[MASK], MASK)
    np.testing.assert_array_equal(found[MASK == 0], 200)
    assert tuple(found[0, 1]) == (128, 0, 0), "its right neighbour is another class"
    assert tuple(found[1, 3]) in {(164, 100, 100), (128, 0, 0)}


def test_an_image_of_another_size_is_left_out() -> None:
    colours = CLASSES.palette[MASK]
    np.testing.assert_array_equal(laid_over(np.zeros((2, 2, 3), np.uint8), colours, MASK), colours)


def test_a_jpeg_lies_beside_the_masks_with_or_without_the_image(tmp_path) -> None:
    Image.new("RGB", (4, 3), (250, 250, 250)).save(tmp_path / "a.jpg")
    mask = np.zeros((3, 4), np.uint8)
    exported(tmp_path / "out", {"a.jpg": mask, "b.jpg": mask}, "preview", photos=tmp_path)
    assert np.array(Image.open(tmp_path / "out/preview/a.jpg")).min() > 240
    assert np.array(Image.open(tmp_path / "out/preview/b.jpg")).max() < 10
