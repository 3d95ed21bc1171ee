"""Maps as one grey picture per class."""

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.errors import ProjectError


def test_grey_becomes_scores_by_its_depth(tmp_path, read):
    (tmp_path / "cat").mkdir()
    Image.fromarray(np.array([[0, 51, 255]], np.uint8)).save(tmp_path / "cat" / "x.png")
    Image.fromarray(np.array([[0, 131, 0]], np.uint16)).save(tmp_path / "x_dog.png")
    (one,), _ = read("map_pictures", tmp_path, ("cat", "dog"))
    found = one.maps()
    assert found.classes == ("cat", "dog")
    np.testing.assert_allclose(found.scores, [[[0, 0.2, 1]], [[0, 131 / 65535, 0]]], rtol=1e-6)


def test_two_sizes_for_one_image_are_refused(tmp_path, read):
    for name, size in (("x_cat.png", (3, 2)), ("x_dog.png", (2, 2))):
        Image.new("L", size).save(tmp_path / name)
    (one,), _ = read("map_pictures", tmp_path, ("cat", "dog"))
    with pytest.raises(ProjectError, match="several sizes"):
        one.maps()
