"""Lets accepted masks teach a localizer where its classes are, whatever its method.

For the images of a batch that have an accepted mask, with M_c the map of a class in view and m_c the share of its
pixels in each cell of the map::

    L = mean over classes c in view and cells x of  max M_c * ( M_c(x) / max M_c  -  m_c(x) )^2

The maximum is a constant for the gradient, and the factor keeps the gradient of each map value within 2, also where
maps are still almost zero. Cells whose pixels are undecided (255) do not count.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_wsss.core.classes import IGNORE
from napari_wsss.localize.base import Localizer

_EPSILON = 1e-5


def mask_loss(localizer: Localizer, images: Tensor, masks: Tensor) -> Tensor:
    """Return the scalar difference L between maps and masks; 0 when no image of the batch has a mask.

    Parameters
    ----------
    localizer : Localizer
    images : Tensor
        (B,3,H,W) float32, normalised.
    masks : Tensor
        (B,H,W) integer mask values; a mask that is 255 everywhere stands for none.
    """
    shares, known = _shares(masks, localizer.class_count, localizer.stride)  # (B, C, h, w), (B, 1, h, w)
    present = shares.flatten(2).any(2)  # (B, C)
    if not present.any():
        return images.new_zeros(())
    # The whole batch, although some rows count nothing: batch norm must not see a few images on their own.
    maps = localizer.localize(images, present).float()  # (B, C, h, w)
    highest = maps.detach().amax((2, 3), keepdim=True) + _EPSILON  # (B, C, 1, 1)
    differences = highest * (maps / highest - shares).square()
    counted = known * present[:, :, None, None]
    return (differences * counted).sum() / counted.sum().clamp(min=1)


def _shares(masks: Tensor, class_count: int, stride: int) -> tuple[Tensor, Tensor]:
    """Return the share of each class (B,C,h,w) and of decided pixels (B,1,h,w) in the cells of a map."""
    known = (masks != IGNORE).float()[:, None]  # (B, 1, H, W)
    of_class = torch.stack([masks == k + 1 for k in range(class_count)], 1).float()  # (B, C, H, W)
    cells = [F.avg_pool2d(part, stride, ceil_mode=True) for part in (of_class, known)]
    return cells[0] / cells[1].clamp(min=_EPSILON), cells[1]
