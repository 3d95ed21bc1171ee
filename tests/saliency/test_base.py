"""The contract of a saliency model (no method implements it yet)."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from napari_wsss.saliency.base import SaliencyModel
from napari_wsss.weights.normalisation import IMAGENET


class Bright(SaliencyModel):
    """Salient is what is bright."""

    title = "Bright"

    def saliency(self, images: Tensor) -> Tensor:
        return images.mean(1).sigmoid()


def test_a_model_fills_in_one_verb() -> None:
    model = Bright()

    assert model.saliency(torch.zeros(2, 3, 4, 5)).shape == (2, 4, 5)
    assert model.normalisation == IMAGENET
    with pytest.raises(TypeError):
        SaliencyModel()  # type: ignore[abstract]
