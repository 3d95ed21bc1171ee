"""The contract of a saliency model (where is anything at all, whatever its class), and what is the same for all.

A model gives saliency of a normalised batch. Resizing, normalising, scales, flips and checkpoints are written once,
here. As LDF is published, an image is brought to the square it was trained with, whatever its shape, and the saliency
back to the image's size; other than published, shrinking is anti-aliased.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from napari_wsss.core.inference import Inference
from napari_wsss.core.parameters import parameter
from napari_wsss.networks.dense import as_batch
from napari_wsss.networks.device import autocast
from napari_wsss.networks.trunk import Trunk
from napari_wsss.pixels.resizing import SHORTEST, scaled_size
from napari_wsss.trunk_network import TrunkNetwork
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

Size = tuple[int, int]


@dataclass(frozen=True)
class SaliencyParameters:
    """What every saliency model has."""

    side: int = parameter(
        352,
        "Side",
        "Images are seen as squares of so many pixels; a training sets it to its crop. 0 keeps an image's own size.",
        bounds=(0, 4096),
    )


@dataclass(frozen=True)
class SaliencyBatch:
    """One training batch; all maps (B,H,W) float32.

    Parameters
    ----------
    images : Tensor
        (B,3,H,W) float32, normalised.
    masks : Tensor
        In [0, 1]: 1 where anything is.
    bodies, details : Tensor
        In [0, 1]: the parts of the masks (`training.data.label_decoupling`), or soft ones of a network trained before.
    weights : Tensor
        >= 0: 0 for ignored pixels.
    """

    images: Tensor
    masks: Tensor
    bodies: Tensor
    details: Tensor
    weights: Tensor


class SaliencyModel(TrunkNetwork):
    """A network that marks what stands out without naming it.

    Parameters
    ----------
    trunk : Trunk
        Feature extractor; the method keeps it.
    parameters : Parameters, optional
        The method's own; defaults without.
    normalisation : Normalisation
        The input its weights want; it is stored with the checkpoint.
    """

    shelf = "saliency"
    Parameters: ClassVar[type[Any]] = SaliencyParameters

    def __init__(self, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET) -> None:
        super().__init__(parameters, normalisation)

    @property
    @abstractmethod
    def trunk(self) -> Trunk:
        """The feature extractor."""

    @abstractmethod
    def saliency(self, images: Tensor, size: Size | None = None) -> Tensor:
        """Return saliency (B,H,W) in [0, 1] of normalised images (B,3,H,W), or (B, *size)."""

    @abstractmethod
    def loss(self, batch: SaliencyBatch) -> dict[str, Tensor]:
        """Return the named losses of a batch; their sum is minimised."""

    def decouple(self, images: Tensor, size: Size) -> tuple[Tensor, Tensor]:
        """Return body and detail (B, *size) in [0, 1] of normalised images: the targets of a second training.

        Asked of methods only whose parameter ``stages`` is above 1.
        """
        raise NotImplementedError

    def infer(self, image: NDArray[np.uint8], settings: Inference | None = None) -> NDArray[np.float32]:
        """Return the saliency (H,W) float32 in [0, 1] of an RGB image (H,W,3) uint8 of any size.

        Several scales and the mirrored image are averaged; the default is one pass. With side 0 larger images than
        `settings.pixel_budget` are shrunk to it: tiles would not see what stands out of the whole.
        """
        network, wanted = self.prepared(settings or Inference(preset="single"), _saliency)
        device = next(self.parameters()).device
        planes = as_batch([self.normalisation.apply(image)], device)
        found = []
        with torch.inference_mode(), autocast(device, wanted.precision):
            for at, scale in enumerate(wanted.scales):
                seen = resized(planes, self.input_size(image.shape[0], image.shape[1], scale, wanted.pixel_budget))
                for is_mirrored in wanted.views(at):
                    shown = network.saliency(seen.flip(3) if is_mirrored else seen, image.shape[:2])[0].float()
                    found.append(shown.flip(1) if is_mirrored else shown)
        return self.believed(torch.stack(found).mean(0)).clamp(0, 1).cpu().numpy()

    def input_size(self, height: int, width: int, scale: float = 1.0, pixel_budget: int = 2**31) -> Size:
        """Return the (height, width) at which an image of this size is seen."""
        side = round(self.settings.side * scale)
        if side:
            return self.normalisation.fit_size(max(SHORTEST, side), max(SHORTEST, side))
        fitting = min(1.0, math.sqrt(pixel_budget / (height * width * scale**2)))
        return self.normalisation.fit_size(*scaled_size(height, width, scale * fitting))


def resized(images: Tensor, size: Size) -> Tensor:
    """Return images (B,3,H,W) float32 at another size: bilinear, anti-aliased where they shrink."""
    if images.shape[2:] == size:
        return images
    return F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)


def _saliency(model: SaliencyModel, images: Tensor) -> Tensor:
    return model.saliency(images)
