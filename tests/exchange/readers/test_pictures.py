"""Masks as pictures and arrays; see also `tests/exchange/masks/test_importing.py`."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.exchange.readers.pictures import values_of

VALUES = np.array([[0, 1, 2], [2, 1, 255]], np.uint8)


def test_files_of_every_kind_have_the_same_values(tmp_path, read):
    np.save(tmp_path / "a.npy", VALUES.astype(np.int64)[None])
    np.save(tmp_path / "b.npy", VALUES.astype(np.float32))
    tifffile.imwrite(tmp_path / "c.tif", VALUES)
    tifffile.imwrite(tmp_path / "d.tiff", VALUES.astype(np.uint16))
    Image.fromarray(VALUES).save(tmp_path / "e.png")
    found, _ = read("pictures", tmp_path)
    assert sorted(one.names[0] for one in found) == list("abcde")
    for one in found:
        np.testing.assert_array_equal(one.picture.read(), VALUES)
        assert one.picture.read().dtype == np.uint8


def test_more_values_than_classes_are_kept_for_objects(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.array([[0, 700]], np.uint16))
    assert values_of(tmp_path / "x.tif").tolist() == [[0, 700]]


@pytest.mark.parametrize(
    "array", [np.zeros((2, 3, 4)), np.zeros(3), np.array([[0.5]]), np.array([[np.nan]]), -np.ones((1, 1))]
)
def test_arrays_that_are_no_masks(tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(ProjectError, match=r"x\.npy"):
        values_of(tmp_path / "x.npy")
