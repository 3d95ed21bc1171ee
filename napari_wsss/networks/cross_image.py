"""Collaborative multi-attention (Wu et al., EDAM, CVPR 2021): images of a group look at each other.

With reduced features R_n (D,h,w) and a mask M_nc (h,w) of image n and class c::

    T_c  = tokens of R_n * M_nc of all images n, + position + image number       (B h w tokens of D channels)
    A_c  = block of class c (T_c)
    s_nc = w_c . mean of A_c over the tokens of image n                          the logit of class c in image n

Published are B = 2 images, D = 128 and a 46 x 46 grid; here any group, any grid and any subset of the classes.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.networks.class_transformers import ClassTransformers

PUBLISHED_SEGMENTS = 5


class CrossImage(nn.Module):
    """Logits of the images of one group from their masked features, one transformer block per class.

    Parameters
    ----------
    class_count : int
    channels, heads, feed_forward, dropout
        As in `ClassTransformers`.
    group_size : int
        Images of the largest group; the table of image numbers has at least the five published rows.
    token_stride : int
        Cells per token and axis: masked features are averaged over squares of so many cells; 1 is published.

    Attributes
    ----------
    segment : (S, D)
        What is added to the tokens of the first, second, ... image.
    transformers : ClassTransformers
    classifier : (C, D)
        w_c.
    """

    def __init__(
        self,
        class_count: int,
        channels: int = 128,
        *,
        heads: int = 2,
        feed_forward: int = 512,
        dropout: float = 0.1,
        group_size: int = 2,
        token_stride: int = 1,
    ) -> None:
        super().__init__()
        self.token_stride = token_stride
        self.segment = nn.Parameter(torch.empty(max(PUBLISHED_SEGMENTS, group_size), channels))
        self.transformers = ClassTransformers(class_count, channels, heads, feed_forward, dropout)
        self.classifier = nn.Parameter(torch.empty(class_count, channels))
        self.dropout = nn.Dropout(dropout)
        nn.init.xavier_uniform_(self.segment)
        for weight in self.classifier.data:
            nn.init.xavier_uniform_(weight[None])

    def forward(self, features: Tensor, masks: Tensor, classes: Tensor) -> Tensor:
        """Return the logits (B,K) of one group of images.

        Parameters
        ----------
        features : (B, D, h, w)
            Reduced features of the group.
        masks : (B, K, h, w) >= 0
            Of the computed classes.
        classes : (K,) int64
            Which classes these are; every class has a block and a classifier of its own.

        Raises
        ------
        ValueError
            When the group is larger than the table of image numbers.
        """
        images = len(features)
        if images > len(self.segment):
            raise ValueError(f"A group of {images} images for {len(self.segment)} image numbers; build it larger.")
        tokens = self.dropout(self._tokens(features, masks))  # (K, B, L, D)
        attended = self.transformers(tokens.flatten(1, 2), classes).unflatten(1, (images, -1))
        logits = torch.einsum("kbd,kd->bk", attended.float().mean(2), self.classifier[classes])
        return logits

    def _tokens(self, features: Tensor, masks: Tensor) -> Tensor:
        masked = features.float().unsqueeze(0) * masks.float().transpose(0, 1).unsqueeze(2)  # (K, B, D, h, w)
        if self.token_stride > 1:
            pooled = F.avg_pool2d(masked.flatten(0, 1), self.token_stride, ceil_mode=True)
            masked = pooled.reshape(*masked.shape[:3], *pooled.shape[2:])
        tokens = masked.flatten(3).transpose(2, 3)  # (K, B, L, D)
        position = positions(tokens.shape[2], tokens.shape[3], tokens.device)
        return tokens + position + self.segment[: len(features), None]


def positions(length: int, channels: int, device: torch.device | None = None) -> Tensor:
    """Return the sinusoidal position code (length, channels) of tokens in row-major order (Vaswani et al. 2017).

    Even channels hold sin(p / 10000^(i / channels)), each odd channel the cosine of the even one before it.
    """
    channel = torch.arange(channels, device=device)
    even = channel - channel % 2
    angle = torch.arange(length, device=device)[:, None] * torch.exp(even * (-math.log(10000.0) / channels))
    return torch.where(channel % 2 == 0, angle.sin(), angle.cos())
