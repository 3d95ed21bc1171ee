"""Local prototypes: how alike a feature is to several known ones of each class, on average (LPCAM, equation 5)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Prototypes(nn.Module):
    """A set of feature vectors per class, of which a class may have fewer than another, or none.

    Parameters
    ----------
    class_count : int
    most : int
        Prototypes a class has room for (K).
    channels : int
        Length of a feature (C').

    Attributes
    ----------
    vectors : (C, K, C') float32
        The prototypes as they were found, zeros behind the last one of a class.
    known : (C, K) bool
        Which of them there are.
    """

    vectors: Tensor
    known: Tensor

    def __init__(self, class_count: int, most: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.zeros(class_count, most, channels))
        self.register_buffer("known", torch.zeros(class_count, most, dtype=torch.bool))

    def put(self, rows: Sequence[Tensor]) -> None:
        """Replace all prototypes by `rows`, one (n, C') tensor per class, n at most K.

        Raises
        ------
        ValueError
            When the number of classes, or a tensor's shape, is another one.
        """
        classes, most, channels = self.vectors.shape
        if len(rows) != classes or any(len(row) > most or row.shape[1:] != (channels,) for row in rows):
            shapes = [tuple(row.shape) for row in rows]
            raise ValueError(f"Prototypes are {shapes}; expected {classes} tensors (0 to {most}, {channels}).")
        self.vectors.zero_()
        self.known.zero_()
        for k, row in enumerate(rows):
            self.vectors[k, : len(row)] = row
            self.known[k, : len(row)] = True

    def directions(self) -> Tensor:
        """Return the mean (C, C') of each class's prototypes of length one, zeros for a class without any.

        The mean cosine similarity to several vectors is the product with their mean direction, so that as many
        prototypes as one likes cost one 1x1 convolution.
        """
        unit = F.normalize(self.vectors, dim=2) * self.known[:, :, None]
        return unit.sum(1) / self.known.sum(1, keepdim=True).clamp(min=1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the mean cosine similarity (B,C,h,w) in [-1, 1] of features (B,C',h,w) to each class's prototypes."""
        return similarity(features, self.directions())


def similarity(features: Tensor, directions: Tensor) -> Tensor:
    """Return the products (B,C,h,w) of features (B,C',h,w), divided by their lengths, with `directions` (C, C')."""
    return F.conv2d(F.normalize(features.float(), dim=1), directions.float()[:, :, None, None])
