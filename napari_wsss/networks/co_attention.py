"""Co-attention of two images (Sun et al., MCIS, ECCV 2020): each is described by what it shares with the other.

With features F_a (D,N_a) and F_b (D,N_b) of two images, grids flattened, and a learned matrix W (D,D)::

    P      = F_a^T W F_b                             affinity of every cell of a with every cell of b, (N_a,N_b)
    F_a^co = F_b softmax_b(P)^T                      b's features, put together again on a's grid
    F_b^co = F_a softmax_a(P)                        and a's on b's
    g      = sigmoid(w_g . F^co)                     where the two images have something in common, (h,w)
    F^con  = F (1 - g)                               what is left: what only this image has

The grids may differ. Published is the plain product above, without any scaling: with D = 512 and W drawn at random its
softmax picks nearly one cell. `affinity` 'cosine' bounds it: features of unit length, W begins as the identity, and
the product is multiplied by `sharpness`.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

AffinityKind = Literal["product", "cosine"]


class PairAttention(nn.Module):
    """Co-attention and contrastive co-attention of pairs of feature maps.

    Parameters
    ----------
    channels : int
        D.
    affinity : 'product' or 'cosine'
        The published product, or that of unit vectors.
    sharpness : float
        Factor on the cosine; larger looks at fewer cells.

    Attributes
    ----------
    affinity_weight : Linear
        W, without bias.
    gate : Conv2d
        w_g, without bias.
    """

    def __init__(self, channels: int, affinity: AffinityKind = "product", sharpness: float = 10.0) -> None:
        super().__init__()
        self.affinity_weight = nn.Linear(channels, channels, bias=False)
        self.gate = nn.Conv2d(channels, 1, 1, bias=False)
        self._unit, self._sharpness = affinity == "cosine", sharpness
        if self._unit:
            nn.init.eye_(self.affinity_weight.weight)

    def affinity(self, first: Tensor, second: Tensor) -> Tensor:
        """Return P (B,N_a,N_b) float32 of features (B,D,h_a,w_a) and (B,D,h_b,w_b), in full precision."""
        a, b = first.float().flatten(2), second.float().flatten(2)
        with torch.autocast(first.device.type, enabled=False):
            if self._unit:
                a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
            mapped: Tensor = self.affinity_weight(a.transpose(1, 2))  # (B, N_a, D)
            if self._unit:
                mapped = self._sharpness * F.normalize(mapped, dim=2)
            return mapped @ b

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Return F_a^co (B,D,h_a,w_a) and F_b^co (B,D,h_b,w_b) of features of these shapes."""
        affinity = self.affinity(first, second)
        return gathered(affinity, second, first.shape[2:]), gathered(affinity.transpose(1, 2), first, second.shape[2:])

    def attended(self, first: Tensor, second: Tensor) -> Tensor:
        """Return F_a^co alone; the second image's direction is not computed."""
        return gathered(self.affinity(first, second), second, first.shape[2:])

    def contrast(self, features: Tensor, attended: Tensor) -> Tensor:
        """Return F^con (B,D,h,w): features (B,D,h,w) without what is in `attended` (B,D,h,w)."""
        return features * (1 - torch.sigmoid(self.gate(attended)))


def gathered(affinity: Tensor, features: Tensor, grid: torch.Size) -> Tensor:
    """Return `features` (B,D,h,w) of N cells on another grid of M cells, by the softmax of `affinity` (B,M,N)."""
    weights = affinity.softmax(2)
    with torch.autocast(features.device.type, enabled=False):
        found = features.float().flatten(2) @ weights.transpose(1, 2)  # (B, D, M)
    return found.reshape(*found.shape[:2], *grid)
