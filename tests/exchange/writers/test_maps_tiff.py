"""Maps as TIFF stacks."""

import json

import numpy as np
import tifffile

from napari_wsss.core.maps import ActivationMaps
from tests.exports import exported_maps, some_maps


def test_a_page_for_each_class_by_name(tmp_path) -> None:
    maps = some_maps()
    report = exported_maps(tmp_path, {"a.jpg": maps, "b.jpg": ActivationMaps.empty(3, 4)}, "maps_tiff")
    with tifffile.TiffFile(tmp_path / "maps/a.tif") as file:
        np.testing.assert_array_equal(file.asarray(), maps.scores)
        assert json.loads(file.pages[0].description) == {"pages": ["cat", "wild boar"]}
    assert not (tmp_path / "maps/b.tif").exists()
    assert "without classes have no maps" in report.summary()
