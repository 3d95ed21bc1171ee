"""Which samples of a TIFF are colour and which is alpha: only what its tag ExtraSamples calls alpha is transparency."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from PIL import Image

_PHOTOMETRIC = 262
_SAMPLES_PER_PIXEL = 277
_EXTRA_SAMPLES = 338
_INKS, _PALETTE = 5, 3
_ALPHA = (1, 2)
"""Associated and unassociated alpha (TIFF 6.0, page 31); 0 is unspecified data."""


class Bands(NamedTuple):
    """How many samples are colour, which one is alpha (if any), and what is left out in words."""

    colour: int
    alpha: int | None = None
    left_out: str = ""


def bands(samples: int, extra: Sequence[int] = (), photometric: int = 1) -> Bands:
    """Return what the samples of one pixel are.

    Parameters
    ----------
    samples : int
        How many there are; three or more begin with red, green and blue.
    extra : sequence of int
        The tag ExtraSamples, for the last samples.
    photometric : int
        The tag PhotometricInterpretation.
    """
    colour = 4 if photometric == _INKS else 1 if photometric == _PALETTE or samples < 3 else 3
    places = enumerate(extra, samples - len(extra))
    alpha = next((place for place, kind in places if kind in _ALPHA and place >= colour), None)
    if samples <= colour + (alpha is not None):
        return Bands(colour, alpha)
    return Bands(colour, alpha, f"first {f'{colour} ' if colour > 1 else ''}of {samples} channels")


def bands_of(image: Image.Image) -> Bands | None:
    """Return what the samples of an opened picture are; None for other formats than TIFF."""
    tags: Any = getattr(image, "tag_v2", None)
    if image.format != "TIFF" or tags is None:
        return None
    extra = tags.get(_EXTRA_SAMPLES, ())
    extra = extra if isinstance(extra, tuple) else (extra,)
    return bands(int(tags.get(_SAMPLES_PER_PIXEL, 1)), extra, int(tags.get(_PHOTOMETRIC, 1)))
