"""Which channels of a file make the picture: one in grey, or up to three as red, green and blue."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.pixels.decoding.deep_images import USUAL, Percentiles, scale_to_uint8

Channels = tuple[int, ...]
"""Nothing (as the file is made), one channel (from 1) for grey, or three for red, green and blue, 0 for none."""
COLOURS = ("red", "green", "blue")
MOST = 999
_FORM = "expected one channel for grey (2), or three for red, green and blue with 0 for none (3,1,2 or 0,2,0)"


def parse_channels(text: str) -> Channels:
    """Return the channels that a text names: ``2``, ``3,1,2``, ``0,2,0``; none of "".

    Raises
    ------
    ProjectError
        When it names none, or not one or three.
    """
    parts = [part.strip() for part in text.replace(";", ",").split(",")] if text.strip() else []
    if not parts:
        return ()
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ProjectError(f"{text!r} names no channels; {_FORM}.")
    return check_channels(tuple(map(int, parts)))


def check_channels(channels: Channels) -> Channels:
    """Return channels that can make a picture; raise `ProjectError` for others."""
    if not channels:
        return ()
    if len(channels) not in (1, 3) or not all(0 <= one <= MOST for one in channels) or not any(channels):
        raise ProjectError(f"The channels {as_text(channels)} make no picture; {_FORM}.")
    return channels


def as_text(channels: Channels) -> str:
    """Return channels as `parse_channels` reads them."""
    return ",".join(map(str, channels))


def make_picture(
    samples: NDArray[Any], channels: Channels, percentiles: Percentiles = USUAL
) -> tuple[NDArray[np.uint8], str]:
    """Return the picture that some channels make, and how deep values were scaled, in words.

    Each channel is stretched between percentiles of its own: those of a microscope have nothing to do with one another.

    Parameters
    ----------
    samples : (H, W, C) of numbers
    channels : tuple of int
        One or three, see `Channels`.
    percentiles : (float, float)

    Returns
    -------
    pixels : (H, W, 3) uint8
        A single channel three times.
    scaling : str

    Raises
    ------
    ProjectError
        When the file has no such channel.
    """
    check_count(samples.shape[2], channels)
    parts: dict[int, NDArray[np.uint8]] = {}
    said: list[str] = []
    for one in dict.fromkeys(filter(None, channels)):
        values = samples[..., one - 1]
        if values.dtype == np.uint8:
            parts[one] = values
        elif values.dtype == np.bool_:
            parts[one] = values.astype(np.uint8) * 255
        else:
            parts[one], how = scale_to_uint8(values, percentiles)
            said.append(how if len(channels) == 1 else f"{one}: {how}")
    chosen = channels * 3 if len(channels) == 1 else channels
    dark = np.zeros(samples.shape[:2], np.uint8)
    return np.stack([parts.get(one, dark) for one in chosen], axis=2), ", ".join(said)


def check_count(found: int, channels: Channels) -> None:
    """Raise `ProjectError` where `found` channels are not enough."""
    if max(channels, default=0) > found:
        raise ProjectError(
            f"it has {found} channel(s), not {max(channels)}, which the project shows. Choose others (Channels on the "
            "page Project, or napari-wsss channels), or leave the file out."
        )


def in_words(channels: Channels, called: tuple[str, ...]) -> str:
    """Return which channels are shown: ``channel 2 (GFP) in grey``, ``channels 1 (DAPI) in red, 2 in blue``.

    Parameters
    ----------
    called : tuple of str
        What each of `channels` is called.
    """
    if len(channels) == 1:
        return f"channel {called[0]} in grey"
    shown = [f"{name} in {colour}" for one, name, colour in zip(channels, called, COLOURS, strict=True) if one]
    return f"channels {', '.join(shown)}" if len(shown) > 1 else f"channel {shown[0]}"
