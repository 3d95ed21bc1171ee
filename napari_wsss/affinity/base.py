"""The contract of an affinity network: which neighbouring pixels belong together, whatever their class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn

from napari_wsss.core.parameters import NoParameters
from napari_wsss.networks.trunk import Trunk
from napari_wsss.weights.normalisation import IMAGENET, Normalisation


class AffinityModel(nn.Module, ABC):
    """A trained network that compares neighbouring cells of an image.

    Parameters
    ----------
    trunk : Trunk
        Feature extractor.
    parameters : Parameters, optional
        The method's own; defaults without.
    normalisation : Normalisation
        The input its weights want.

    Attributes
    ----------
    title : str
        For menus.
    published : tuple of str
        Names of weights (`weights.published`) made for this network.
    """

    title: ClassVar[str]
    published: ClassVar[tuple[str, ...]] = ()
    Parameters: ClassVar[type] = NoParameters

    def __init__(self, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET) -> None:
        super().__init__()
        self.trunk = trunk
        self.settings = self.Parameters() if parameters is None else parameters
        self.normalisation = normalisation

    @abstractmethod
    def dense(self, images: Tensor) -> Tensor:
        """Return what pairs of cells are compared by, (B,D,h,w), of normalised images (B,3,H,W)."""

    @abstractmethod
    def pair_affinities(self, dense: Tensor) -> Tensor:
        """Return affinities (B,P,h,w) in [0, 1] of every cell and its partners, from `dense` (B,D,h,w)."""
