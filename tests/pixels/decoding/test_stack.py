"""What a stack says of itself is told in words, whatever it says."""

import pytest

from napari_wsss.pixels.decoding.stack import Stack, plain, size_text


@pytest.mark.parametrize(
    ("across", "down", "unit", "said"),
    [
        (0.325, "0.65", "µm", "0.325 x 0.65 µm"),
        ("nan", 1, "µm", ""),
        (0, 1, "µm", ""),
        ("wide", 1, "µm", ""),
        (True, None, "µm", ""),
    ],
)
def test_the_size_of_a_pixel(across, down, unit, said):
    assert size_text(across, down, unit) == said


def test_strange_text_becomes_a_short_line():
    assert plain("a\n\x1b[31mb" * 40).startswith("a[31mb")
    assert len(plain("x" * 999)) == 40


def test_planes_have_places_and_channels_names():
    stack = Stack(6, 2, "TZ", (2, 3), ("DAPI", "GFP"))
    assert stack.place_of(5) == "time 2 of 2, focus plane 2 of 3"
    assert (stack.called(2), stack.called(3)) == ("2 (GFP)", "3")
    assert stack.is_volume
    assert "volumes" in stack.left_out
    assert Stack(1, 1).left_out == Stack(1, 1).place_of(1) == ""
