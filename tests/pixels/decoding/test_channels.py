"""Channels are chosen by number, stretched each by itself, and said in words."""

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.pixels.decoding.channels import as_text, check_count, in_words, make_picture, parse_channels


@pytest.mark.parametrize(("text", "channels"), [("", ()), ("2", (2,)), (" 3, 1,2", (3, 1, 2)), ("0;2;0", (0, 2, 0))])
def test_texts_are_read(text: str, channels: tuple[int, ...]) -> None:
    assert parse_channels(text) == channels
    assert parse_channels(as_text(channels)) == channels


@pytest.mark.parametrize("text", ["0", "1,2", "0,0,0", "1,2,3,4", "red", "-1", "1.5", "1000"])
def test_what_makes_no_picture_is_refused(text: str) -> None:
    with pytest.raises(ProjectError, match="expected one channel"):
        parse_channels(text)


def test_each_deep_channel_has_its_own_range() -> None:
    ramp = np.linspace(0, 1, 2000).reshape(40, 50)
    samples = np.stack([ramp * 100, ramp * 60000, ramp * 7], axis=2).astype(np.uint16)
    pixels, said = make_picture(samples, (2, 1, 0), (0, 100))
    assert pixels[..., 0].max() == pixels[..., 1].max() == 255
    assert not pixels[..., 2].any()
    assert said.count("16-bit") == 2
    grey, _ = make_picture(samples, (2,), (0, 100))
    assert (grey == pixels[..., :1]).all()


def test_plain_channels_stay_as_they_are() -> None:
    samples = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    pixels, said = make_picture(samples, (3, 2, 1))
    np.testing.assert_array_equal(pixels, samples[..., ::-1])
    assert said == ""


def test_a_channel_that_is_not_there_is_said() -> None:
    check_count(3, (3,))
    with pytest.raises(ProjectError, match=r"3 channel\(s\), not 4"):
        make_picture(np.zeros((2, 2, 3), np.uint8), (4,))


def test_words() -> None:
    assert in_words((2,), ("2 (GFP)",)) == "channel 2 (GFP) in grey"
    assert in_words((0, 2, 1), ("0", "2 (GFP)", "1")) == "channels 2 (GFP) in green, 1 in blue"
    assert in_words((0, 2, 0), ("0", "2", "0")) == "channel 2 in green"
