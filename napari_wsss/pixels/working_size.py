"""The working size: how large pictures are when a network sees them, in training, for maps and for features alike.

Objects are learned at the size they have in training. A network therefore notes the longer side that it saw its
pictures at, and every picture is brought to it, small ones enlarged and large ones reduced; one that nearly fits keeps
its pixels. 0 stands for a network that notes nothing (published ones, and those of before): pictures keep their size.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


def side_in_training(told: Mapping[str, Any]) -> int:
    """Return the middle longer side at which a localizer's training sees pictures; 0 where they keep their size.

    Their longer side is a random scale times the crop; scales are drawn evenly in their logarithm, so their middle is
    the geometric mean. The published code's maps are made of pictures as they are, whatever it was trained on.

    Parameters
    ----------
    told : mapping
        Options of the run by name: ``preset``, ``scale_of``, ``crop``, ``scale_low``, ``scale_high``.
    """
    preset = str(told["preset"])
    if told["scale_of"] != "crop" or preset in ("reference", "paper") or "/" in preset:
        return 0
    return round(int(told["crop"]) * math.sqrt(float(told["scale_low"]) * float(told["scale_high"])))


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
