"""The contract of a saliency model (where is anything at all, whatever its class), and what is the same for all.

A model gives saliency of a normalised batch. Resizing, normalising, scales, flips and checkpoints are written once,
here. As LDF is published, an image is brought to the square it was trained with, whatever its shape, and the saliency
back to the image's size; other than published, shrinking is anti-aliased.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_wsss.core.errors import StepError
from napari_wsss.core.inference import Inference
from napari_wsss.core.parameters import from_dict, parameter, to_dict
from napari_wsss.core.registry import load_method
from napari_wsss.core.resizing import SHORTEST, scaled_size
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.networks.dense import as_batch, evaluating
from napari_wsss.networks.device import autocast, background_threads, choose_device
from napari_wsss.networks.fold import folded
from napari_wsss.networks.precision import inference_precision
from napari_wsss.networks.trunk import Trunk, build_trunk
from napari_wsss.weights.fit import load_trunk_weights
from napari_wsss.weights.normalisation import IMAGENET, Normalisation
from napari_wsss.weights.trained import Trained, load_trained, save_trained

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
        In [0, 1]: the parts of the masks (`core.label_decoupling`), or soft ones of a network trained before.
    weights : Tensor
        >= 0: 0 for ignored pixels.
    """

    images: Tensor
    masks: Tensor
    bodies: Tensor
    details: Tensor
    weights: Tensor


class SaliencyModel(nn.Module, ABC):
    """A network that marks what stands out without naming it.

    Parameters
    ----------
    trunk : Trunk
        Feature extractor; the method keeps it.
    parameters : Parameters, optional
        The method's own; defaults without.
    normalisation : Normalisation
        The input its weights want; it is stored with the checkpoint.

    Attributes
    ----------
    title : str
        For menus.
    published : tuple of str
        Names of weights (`weights.published`) made for this model.
    method : str
        Its name on the shelf.
    settings : Parameters
        The method's parameters.
    """

    title: ClassVar[str]
    published: ClassVar[tuple[str, ...]] = ()
    Parameters: ClassVar[type[Any]] = SaliencyParameters

    def __init__(self, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET) -> None:
        super().__init__()
        self.settings = self.Parameters() if parameters is None else parameters
        self.normalisation = normalisation
        self.method = type(self).__module__.rpartition(".")[2]

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

    def load_weights(self, source: str) -> Normalisation:
        """Start from weights (a file or a published name) and return the input they expect; it becomes the model's.

        Here they are the trunk's; a method with `published` weights of its own also takes those.

        Raises
        ------
        WeightsError
            When they cannot be read or do not fit.
        """
        self.normalisation = load_trunk_weights(self.trunk, source).normalisation
        return self.normalisation

    def trunk_parameters(self) -> Iterator[nn.Parameter]:
        """Return what a small learning rate is for: the trunk's weights that learn."""
        return (weight for weight in self.trunk.parameters() if weight.requires_grad)

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """Return what a large learning rate is for: every weight outside the trunk."""
        inside = {id(weight) for weight in self.trunk.parameters()}
        return (weight for weight in self.parameters() if id(weight) not in inside and weight.requires_grad)

    @classmethod
    def restore(
        cls, path: Path, device: str = "auto", *, background: bool = False
    ) -> tuple[SaliencyModel, None, Trained]:
        """Load a checkpoint as `load_saliency` does, without classes; `background` leaves one core to the window."""
        if background:
            background_threads()
        model, what = load_saliency(path, device)
        return model, None, what

    def infer(self, image: NDArray[np.uint8], settings: Inference | None = None) -> NDArray[np.float32]:
        """Return the saliency (H,W) float32 in [0, 1] of an RGB image (H,W,3) uint8 of any size.

        Several scales and the mirrored image are averaged; the default is one pass. With side 0 larger images than
        `settings.pixel_budget` are shrunk to it: tiles would not see what stands out of the whole.
        """
        wanted = (settings or Inference(preset="fast")).resolved()
        device = next(self.parameters()).device
        with evaluating(self):
            network = folded(self, _saliency)
        precision = inference_precision(wanted.precision, network, _saliency)
        planes = as_batch([self.normalisation.apply(image)], device)
        found = []
        with torch.inference_mode(), autocast(device, precision):
            for scale in wanted.scales:
                seen = resized(planes, self.input_size(image.shape[0], image.shape[1], scale, wanted.pixel_budget))
                found.append(network.saliency(seen, image.shape[:2])[0].float())
                if wanted.flip:
                    found.append(network.saliency(seen.flip(3), image.shape[:2])[0].float().flip(1))
        return torch.stack(found).mean(0).clamp(0, 1).cpu().numpy()

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


def build_saliency(
    method: str, trunk: TrunkChoice | None = None, parameters: Mapping[str, Any] | None = None
) -> SaliencyModel:
    """Return a new saliency model.

    Parameters
    ----------
    method : str
        Name on the ``saliency`` shelf.
    trunk : TrunkChoice, optional
        With `weights` these are loaded and bring their normalisation.
    parameters : mapping, optional
        The method's, plain JSON types.

    Raises
    ------
    StepError, ParameterError, WeightsError
        For an unknown method or trunk, parameters it does not have, weights that do not fit.
    """
    cls: type[SaliencyModel] = load_method("saliency", method)
    choice = trunk or TrunkChoice()
    try:
        network = build_trunk(
            choice.name, output_stride=choice.output_stride, width=choice.width, dilated=choice.dilated
        )
    except ValueError as reason:
        raise StepError(str(reason)) from reason
    model = cls(network, from_dict(cls.Parameters, parameters or {}))
    model.method = method
    if choice.weights:
        model.load_weights(choice.weights)
    return model


def save_saliency(path: Path, model: SaliencyModel, run: Mapping[str, Any]) -> None:
    """Publish a model as one ``.safetensors`` file that `load_saliency` needs nothing else for.

    Parameters
    ----------
    path : Path
    model : SaliencyModel
    run : mapping
        What the training wants to remember, plain JSON types.
    """
    network = model.trunk
    trunk = TrunkChoice(network.name, network.output_stride, network.width, dilated=network.dilated)
    parameters = to_dict(model.settings)
    what = Trained("saliency", model.method, parameters, trunk, model.normalisation, None, run)
    save_trained(path, model.state_dict(), what)


def load_saliency(path: Path, device: str = "cpu") -> tuple[SaliencyModel, Trained]:
    """Return the model at `path` in evaluation mode and its description.

    Raises
    ------
    WeightsError
        When the file is damaged or no saliency model.
    StepError
        When its method is not installed, or the device is not there.
    """
    state, what = load_trained(path, "saliency")
    model = build_saliency(what.method, replace(what.trunk, weights=""), what.parameters)
    model.normalisation = what.normalisation
    model.load_state_dict(state)
    try:
        target = choose_device(device)
    except ValueError as reason:
        raise StepError(str(reason)) from reason
    return model.eval().to(target, memory_format=torch.channels_last), what
