"""Maps in TIFF stacks."""

import json

import numpy as np
import pytest
import tifffile

from napari_wsss.core.errors import ProjectError
from napari_wsss.exchange.readers.map_tiff import maps_in

MAPS = np.random.default_rng(0).random((2, 4, 5), np.float32)


def test_pages_with_and_without_names(tmp_path, read):
    tifffile.imwrite(tmp_path / "a.tif", MAPS, photometric="minisblack")
    described = json.dumps({"pages": ["dog", "cat"]})
    tifffile.imwrite(tmp_path / "b.tiff", MAPS, photometric="minisblack", description=described, metadata=None)
    (first, second), _ = read("map_tiff", tmp_path)
    np.testing.assert_array_equal(first.maps().scores, MAPS)
    assert (first.maps().classes, second.maps().classes) == (None, ("dog", "cat"))


def test_what_is_none(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 2, 4, 5), np.float32), photometric="minisblack")
    (tmp_path / "b.tif").write_bytes(b"II*\0garbage")
    for name in ("a.tif", "b.tif"):
        with pytest.raises(ProjectError, match=name):
            maps_in(tmp_path / name)
