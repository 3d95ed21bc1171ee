"""Files of instances are found by path or name; anything but one whole number a pixel is refused."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.pixels.instance_masks import instance_file, read_instances


def test_files_are_found_by_path_then_by_name(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.png", "sub/a.tif"):
        (tmp_path / name).touch()
    assert instance_file(tmp_path, "sub/a.jpg") == tmp_path / "sub/a.tif"
    assert instance_file(tmp_path, "other/a.jpg") == tmp_path / "a.png"
    assert instance_file(tmp_path, "b.jpg") is None


def test_numbers_come_back_and_the_rest_is_refused(tmp_path):
    numbers = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    Image.fromarray(numbers).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", numbers)
    for name in ("a.png", "a.tif"):
        assert np.array_equal(read_instances(tmp_path / name, (3, 4)), numbers)
    with pytest.raises(ProjectError, match="4x3 pixels"):
        read_instances(tmp_path / "a.png", (4, 4))
    Image.fromarray(np.zeros((3, 4, 3), np.uint8)).save(tmp_path / "rgb.png")
    tifffile.imwrite(tmp_path / "float.tif", np.zeros((3, 4), np.float32))
    (tmp_path / "text.png").write_text("no picture")
    for name, said in (("rgb.png", "whole number"), ("float.tif", "whole number"), ("text.png", "cannot be read")):
        with pytest.raises(ProjectError, match=said):
            read_instances(tmp_path / name, (3, 4))
