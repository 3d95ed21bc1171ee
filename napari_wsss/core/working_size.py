"""The working size: how large pictures are when a network sees them, in training, for maps and for features alike.

Objects are learned at the size they have in training. A network therefore notes the longer side that it saw its
pictures at, and every picture is brought to it, small ones enlarged and large ones reduced; one that nearly fits keeps
its pixels. 0 stands for a network that notes nothing (published ones, and those of before): pictures keep their size.
"""

import math
from dataclasses import dataclass

LARGEST = 4.0
"""No picture is enlarged further: what was not recorded is not there."""
NEAR = 1.25
FEATURES_SIDE = 480
"""Longer side at which features of a frozen trunk tell most (docs/benchmarks.md)."""


def factor_to(height: int, width: int, side: int) -> float:
    """Return the factor on a picture's sides that brings the longer one to `side` pixels.

    It is 1 where `side` is 0 or no more than a quarter away, and at most 4.
    """
    factor = min(LARGEST, side / max(height, width)) if side else 1.0
    return 1.0 if 1 / NEAR <= factor <= NEAR else factor


def side_of_crops(crop: int, smallest: float, largest: float) -> int:
    """Return the middle longer side of training pictures whose longer side is a random scale times the crop.

    Scales are drawn evenly in their logarithm, so their middle is the geometric mean.
    """
    return round(crop * math.sqrt(smallest * largest))


@dataclass(frozen=True)
class WorkingSize:
    """What becomes of a project's pictures.

    Parameters
    ----------
    pictures : int
        Longer side of the middle picture in pixels.
    side : int
        Longer side at which it is seen.
    """

    pictures: int
    side: int

    def __str__(self) -> str:
        if self.side == self.pictures:
            return f"Pictures of about {self.pictures} pixels are seen as they are."
        change = "enlarged" if self.side > self.pictures else "reduced"
        return f"Pictures of about {self.pictures} pixels are {change} to {self.side}."


def seen(pictures: int, side: int) -> WorkingSize:
    """Return the working size of pictures whose middle longer side is `pictures`, for a network of `side`."""
    return WorkingSize(pictures, round(pictures * factor_to(pictures, pictures, side)))
