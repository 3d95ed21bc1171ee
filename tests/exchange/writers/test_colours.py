"""Colour pictures tell the classes apart."""

import numpy as np
from hypothesis import given, settings
from PIL import Image

from tests.exports import exported, sets


@given(sets())
@settings(max_examples=15, deadline=None)
def test_every_value_has_a_colour_of_its_own(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("colours")
    exported(out, masks, "colours", classes=classes)
    values = {tuple(colour): value for value, colour in enumerate(classes.palette.tolist())}
    assert len(values) == 256
    for image_id, mask in masks.items():
        pixels = np.array(Image.open(out / "colours" / f"{image_id[:-4]}.png"))
        found = [[values[tuple(colour)] for colour in row] for row in pixels.tolist()]
        np.testing.assert_array_equal(found, mask)
