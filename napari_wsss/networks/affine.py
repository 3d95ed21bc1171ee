"""Second views of a batch: mirrored, turned, shifted and rescaled; the same transformation for images and maps.

SEAM (Wang et al., CVPR 2020, section 3.3) asks that maps of a transformed image equal the transformed maps. Its
published transformation is rescaling to 0.3; the others are those of its comparison of transformations.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_wsss.networks.across import drawn


@dataclass(frozen=True)
class View:
    """One drawn transformation.

    Parameters
    ----------
    size : (int, int)
        Height and width (h,w) of the result.
    mirror : bool
        Left and right are exchanged, before anything else.
    grid : (B, h, w, 2), optional
        Where each image is read, x and y from -1 to 1 between the centres of the corner pixels; without it the
        image is resized only.
    """

    size: tuple[int, int]
    mirror: bool = False
    grid: Tensor | None = None

    def __call__(self, planes: Tensor) -> Tensor:
        """Return images or maps (B,C,H,W) of the size it was drawn for as (B,C,h,w); zero where nothing was seen."""
        planes = planes.flip(3) if self.mirror else planes
        if self.grid is not None:
            return F.grid_sample(planes, self.grid.to(planes.dtype), padding_mode="zeros", align_corners=True)
        if planes.shape[2:] == self.size:
            return planes
        return F.interpolate(planes, self.size, mode="bilinear", align_corners=True)

    @property
    def inside(self) -> Tensor | None:
        """Which pixels (B,1,h,w) bool of the result lie in the first view; None for all."""
        if self.grid is None:
            return None
        return (self.grid.abs() <= 1 + 1e-6).all(3).unsqueeze(1)


def draw_view(
    images: Tensor, *, rescale: float = 1.0, mirror: bool = False, rotation: float = 0.0, shift: float = 0.0
) -> View:
    """Draw a transformation for a batch (B,3,H,W), angle and shift anew for each image.

    Parameters
    ----------
    images : (B, 3, H, W)
        Only the shape and the device count.
    rescale : float
        Factor on both sides; the result is rounded down, as published.
    mirror : bool
    rotation : float
        Largest angle, in degrees, either way.
    shift : float
        Largest shift along each axis, in pixels of the first view.
    """
    height, width = images.shape[2:]
    size = max(1, int(height * rescale)), max(1, int(width * rescale))
    if not rotation and not shift:
        return View(size, mirror)
    # Drawn by the CPU's generator, so that every device sees the same views.
    angle = torch.deg2rad(rotation * (2 * drawn(len(images)) - 1))
    shifts = shift * (2 * drawn(len(images), 2) - 1)
    return View(size, mirror, _grid(size, (height, width), angle, shifts).to(images.device))


def _grid(size: tuple[int, int], source: tuple[int, int], angle: Tensor, shifts: Tensor) -> Tensor:
    """Return where (B,h,w,2) to read images of height and width `source`: turned about the centre, then shifted."""
    half = torch.tensor([max(1, side - 1) / 2 for side in reversed(source)])  # x, y in pixels
    rows, columns = (torch.linspace(-1, 1, side) if side > 1 else torch.zeros(1) for side in size)
    point = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1) * half  # (h, w, 2)
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)  # (B, 2, 2)
    turned = torch.einsum("bij,hwj->bhwi", turn, point)
    return (turned + shifts[:, None, None]) / half
