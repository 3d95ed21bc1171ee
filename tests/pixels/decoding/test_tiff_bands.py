"""Only what a TIFF declares as alpha is alpha; whole files are in `test_images`."""

from __future__ import annotations

import pytest
import tifffile
from numpy import uint8, zeros
from PIL import Image

from napari_wsss.pixels.decoding.tiff_bands import Bands, bands, bands_of

INKS, PALETTE, GREY, COLOURS = 5, 3, 1, 2


@pytest.mark.parametrize(
    ("samples", "extra", "photometric", "expected"),
    [
        (1, (), GREY, Bands(1)),
        (3, (), COLOURS, Bands(3)),
        (4, (), INKS, Bands(4)),
        (2, (2,), GREY, Bands(1, 1)),
        (2, (0,), GREY, Bands(1, None, "first of 2 channels")),
        (2, (2,), PALETTE, Bands(1, 1)),
        (4, (1,), COLOURS, Bands(3, 3)),
        (4, (0,), COLOURS, Bands(3, None, "first 3 of 4 channels")),
        (5, (0, 2), COLOURS, Bands(3, 4, "first 3 of 5 channels")),
        (5, (0, 0, 0, 0), GREY, Bands(3, None, "first 3 of 5 channels")),
        (4, (2, 0, 0), GREY, Bands(3, None, "first 3 of 4 channels")),
    ],
)
def test_colour_alpha_and_what_is_left_out(samples, extra, photometric, expected):
    assert bands(samples, extra, photometric) == expected


def test_of_an_opened_file(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", zeros((4, 5, 4), uint8), photometric="rgb", extrasamples=("unassalpha",))
    Image.new("RGBA", (5, 4)).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.tif") as tiff, Image.open(tmp_path / "a.png") as other:
        assert bands_of(tiff) == Bands(3, 3)
        assert bands_of(other) is None
