"""One image as another one's companion: what a localizer that compares images is given."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Companion:
    """Another image that shares a class with the one whose maps are wanted.

    Parameters
    ----------
    content : str
        What identifies its pixels (a hash).
    labels : tuple of int
        0-based indices of the classes it is chosen for, among those the localizer knows.
    read : callable
        Returns its pixels (H,W,3) uint8 RGB.
    """

    content: str
    labels: tuple[int, ...]
    read: Callable[[], NDArray[np.uint8]]
