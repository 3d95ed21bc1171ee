"""Grey PNGs hold the values as they are."""

import numpy as np
from hypothesis import given, settings
from PIL import Image

from tests.exports import exported, sets


@given(sets())
@settings(max_examples=15, deadline=None)
def test_pillow_reads_the_same_values(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("grey")
    exported(out, masks, "grey", classes=classes)
    for image_id, mask in masks.items():
        with Image.open(out / "SegmentationClassGrey" / f"{image_id[:-4]}.png") as image:
            assert image.mode == "L"
            np.testing.assert_array_equal(np.array(image), mask)
    assert (out / "classes.txt").is_file()
