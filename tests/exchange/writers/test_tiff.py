"""TIFF masks hold their values for programs with and without palettes."""

import json

import numpy as np
import tifffile
from hypothesis import given, settings
from PIL import Image

from tests.exports import exported, sets


@given(sets())
@settings(max_examples=12, deadline=None)
def test_tifffile_and_pillow_read_the_same_values(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("tiff")
    exported(out, masks, "tiff", classes=classes)
    for image_id, mask in masks.items():
        path = out / "tiff" / f"{image_id[:-4]}.tif"
        np.testing.assert_array_equal(tifffile.imread(path), mask)
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.array(image), mask)
        with tifffile.TiffFile(path) as file:
            said = json.loads(file.pages[0].description)["classes"]
        assert [said[str(value)] for value in range(1, len(classes) + 1)] == list(classes.names)
