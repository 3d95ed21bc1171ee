"""CVAT's zip of masks is a VOC folder; Datumaro reads it in `test_datumaro`."""

import io
import zipfile

import numpy as np
from hypothesis import given, settings
from PIL import Image

from tests.exports import exported, sets


@given(sets())
@settings(max_examples=15, deadline=None)
def test_masks_lie_in_one_zip_with_what_their_colours_mean(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("cvat")
    exported(out, masks, "cvat_masks", classes=classes)
    with zipfile.ZipFile(out / "cvat-masks.zip") as packed:
        assert packed.testzip() is None
        names = packed.read("ImageSets/Segmentation/default.txt").decode().splitlines()
        assert names == [image_id[:-4] for image_id in masks]
        assert packed.read("labelmap.txt").decode().startswith("# label:color_rgb:parts:actions\nbackground:0,0,0::\n")
        for name, mask in zip(names, masks.values(), strict=True):
            content = io.BytesIO(packed.read(f"SegmentationClass/{name}.png"))
            np.testing.assert_array_equal(np.array(Image.open(content)), mask)
