"""Cellpose files, laid out as its documentation has them."""

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.exchange.readers.cellpose import objects_in

OBJECTS = np.array([[0, 1, 1], [2, 2, 300]], np.uint16)


def seg(masks) -> dict:
    return {
        "outlines": np.zeros_like(OBJECTS),
        "masks": masks,
        "chan_choose": [0, 0],
        "ismanual": np.zeros(3, bool),
        "filename": "a.png",
        "flows": [np.zeros((2, 3, 3), np.uint8), [], None],
        "diameter": 30.0,
    }


def test_a_folder_of_both(tmp_path, read):
    (tmp_path / "sub").mkdir()
    np.save(tmp_path / "sub" / "a_seg.npy", seg(OBJECTS))
    Image.fromarray(OBJECTS).save(tmp_path / "b_cp_masks.png")
    Image.new("L", (3, 2)).save(tmp_path / "b.png")
    found, _ = read("cellpose", tmp_path)
    assert {one.names for one in found} == {("sub/a",), ("b",)}
    for one in found:
        assert one.picture.instances
        np.testing.assert_array_equal(one.picture.read(), OBJECTS)


@pytest.mark.parametrize("masks", [None, np.zeros(3), np.full((2, 2), 0.5), np.array([["a"]])])
def test_no_masks_in_it(tmp_path, masks):
    np.save(tmp_path / "a_seg.npy", seg(masks))
    with pytest.raises(ProjectError, match="a_seg"):
        objects_in(tmp_path / "a_seg.npy")
