"""Superpixels: an image in a thousand patches of one colour each, small enough to reason about at once.

They are found (SLIC, Achanta et al., PAMI 2012) on a copy of the image of at most `MOST_PIXELS` pixels, so that their
cost hardly grows with the image.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)
MOST_PIXELS = 64_000
PATCHES = 900
LEAST_CELLS = 30
"""Cells of a patch in images too small for that many; smaller ones follow noise instead of edges."""
COMPACTNESS = 8.0
"""Colour differences (in Lab) that weigh as much as the width of a patch: lower follows edges, higher stays round."""
_ROUNDS = 6
_BLUR = 0.7


@dataclass(frozen=True)
class Superpixels:
    """The patches of one image.

    Parameters
    ----------
    size : (int, int)
        Height and width of the image in pixels.
    stride : int
        Pixels of the image per cell, along both axes.
    numbers : (h, w) int64
        Number of each cell's patch, from 0; cells lie from the first pixel on, the last may be cut.
    colours : (N, 3) float32
        Mean Lab colour of each patch.
    """

    size: tuple[int, int]
    stride: int
    numbers: NDArray[np.int64]
    colours: NDArray[np.float32]

    @property
    def side(self) -> float:
        """Return the mean width of a patch in pixels of the image."""
        return self.stride * float(np.sqrt(self.numbers.size / len(self.colours)))

    def enlarged(self, cells: NDArray[Number]) -> NDArray[Number]:
        """Return values (h, w) of the cells at the image's size (H, W)."""
        height, width = self.size
        return cells.repeat(self.stride, axis=0)[:height].repeat(self.stride, axis=1)[:, :width]

    def shrunk(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the means (K, h, w) of planes (K, H, W) over each cell."""
        return _shrunk(planes, self.stride)


def find_superpixels(image: NDArray[np.uint8]) -> Superpixels:
    """Return the patches of an image (H, W, 3) uint8 RGB."""
    from skimage.color import rgb2lab
    from skimage.segmentation import slic

    height, width = image.shape[:2]
    stride = max(1, int(np.ceil(np.sqrt(height * width / MOST_PIXELS))))
    small = np.moveaxis(_shrunk(np.moveaxis(image, 2, 0), stride), 0, 2) / np.float32(255)
    lab = rgb2lab(small).astype(np.float32)
    count = max(1, min(PATCHES, small[..., 0].size // LEAST_CELLS))
    found = slic(small, count, COMPACTNESS, max_num_iter=_ROUNDS, sigma=_BLUR, start_label=0, channel_axis=-1)
    _, numbers = np.unique(found, return_inverse=True)
    numbers = numbers.reshape(small.shape[:2])
    counts = np.bincount(numbers.ravel())
    sums = [np.bincount(numbers.ravel(), lab[..., axis].ravel()) for axis in range(3)]
    return Superpixels((height, width), stride, numbers, (np.stack(sums, 1) / counts[:, None]).astype(np.float32))


def _shrunk(planes: NDArray[np.generic], stride: int) -> NDArray[np.float32]:
    if stride == 1:
        return planes.astype(np.float32)
    found: NDArray[np.float32] = np.asarray(planes, np.float32)
    for axis in (1, 2):
        starts = np.arange(0, found.shape[axis], stride)
        counts = np.diff([*starts, found.shape[axis]]).astype(np.float32)
        shape = [-1 if at == axis else 1 for at in range(3)]
        found = np.divide(np.add.reduceat(found, starts, axis), counts.reshape(shape))
    return found
