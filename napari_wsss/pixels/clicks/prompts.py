"""What a person says about one thing by pointing at it: clicks on it and beside it, perhaps a box around it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Click:
    """A click at row, column (pixels of the image): on the thing, or on what it is not."""

    row: int
    column: int
    is_thing: bool = True


@dataclass(frozen=True)
class PromptBox:
    """A box around a thing: rows ``top`` to ``bottom``, columns ``left`` to ``right``, both without the end."""

    top: int
    left: int
    bottom: int
    right: int

    def inside(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return (H, W) bool, True inside."""
        found = np.zeros(shape, bool)
        found[self.top : self.bottom, self.left : self.right] = True
        return found


@dataclass(frozen=True)
class Prompt:
    """Everything said about one thing.

    Parameters
    ----------
    clicks : tuple of Click
        In the order they were made.
    box : PromptBox, optional
    """

    clicks: tuple[Click, ...] = ()
    box: PromptBox | None = None

    def clicked(self, click: Click) -> "Prompt":
        """Return the prompt with one more click."""
        return replace(self, clicks=(*self.clicks, click))


def implied(region: NDArray[np.bool_], clicks: tuple[Click, ...]) -> tuple[Click, ...]:
    """Return what a region (H, W) bool that is corrected says by itself: a click in its middle, or nothing.

    The middle is the point farthest from the border, the picture's included. A click beside the thing that is nearer to
    it than half of that means the region as a whole: nothing is said by itself then.
    """
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    row, column = (int(place) for place in np.unravel_index(int(depth.argmax()), depth.shape))
    reach = depth[row, column] / 2
    denied = any(not one.is_thing and np.hypot(one.row - row, one.column - column) <= reach for one in clicks)
    return () if denied else (Click(row, column),)


@dataclass(frozen=True, eq=False)
class Question:
    """What a promptable segmenter is asked about one thing.

    Parameters
    ----------
    embedding : (256, 64, 64) float16
        Of the picture.
    size : (int, int)
        Height and width of the picture.
    prompt : Prompt
    share : (h, w) float32 in [0, 1], optional
        How much the thing's class is expected, on a grid over the picture.
    start : (H, W) bool, optional
        The region that is corrected.
    logits : (h, w) float32, optional
        Of the answer before, once there is one.
    """

    embedding: NDArray[np.float16]
    size: tuple[int, int]
    prompt: Prompt
    share: NDArray[np.float32] | None = None
    start: NDArray[np.bool_] | None = None
    logits: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """Where the thing is (H, W) bool, and the network's logits (h, w) float32 for the next question."""

    region: NDArray[np.bool_]
    logits: NDArray[np.float32]
