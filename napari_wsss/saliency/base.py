"""The contract of a saliency model: where is anything at all, whatever its class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn

from napari_wsss.core.parameters import NoParameters
from napari_wsss.weights.normalisation import IMAGENET, Normalisation


class SaliencyModel(nn.Module, ABC):
    """A trained network that marks salient objects without naming them.

    Parameters
    ----------
    parameters : Parameters, optional
        The method's own; defaults without.
    normalisation : Normalisation
        The input its weights want.

    Attributes
    ----------
    title : str
        For menus.
    published : tuple of str
        Names of weights (`weights.published`) made for this model.
    """

    title: ClassVar[str]
    published: ClassVar[tuple[str, ...]] = ()
    Parameters: ClassVar[type] = NoParameters

    def __init__(self, parameters: Any | None = None, normalisation: Normalisation = IMAGENET) -> None:
        super().__init__()
        self.settings = self.Parameters() if parameters is None else parameters
        self.normalisation = normalisation

    @abstractmethod
    def saliency(self, images: Tensor) -> Tensor:
        """Return saliency (B,H,W) in [0, 1] of normalised images (B,3,H,W)."""
