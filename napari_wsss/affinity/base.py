"""The contract of an affinity network, and everything around one that is the same for all of them.

A network gives a dense description of a normalised batch and compares neighbouring cells by it. Normalising, padding,
mirroring and tiling are written once, here: the description is computed tile by tile, pairs are compared on the whole
grid, so that no pair is lost at a seam. It has no classes: one network serves every class list.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from napari_wsss.core.affinities import Affinities
from napari_wsss.core.inference import Inference
from napari_wsss.networks.dense import run_tiled
from napari_wsss.networks.device import autocast
from napari_wsss.networks.neighbourhood import Offset
from napari_wsss.networks.trunk import Trunk
from napari_wsss.pixels.resizing import resize
from napari_wsss.trunk_network import TrunkNetwork
from napari_wsss.weights.normalisation import IMAGENET, Normalisation


@dataclass(frozen=True)
class AffinityBatch:
    """One training batch.

    Parameters
    ----------
    images : Tensor
        (B,3,H,W) float32, normalised.
    labels : Tensor
        (B,h,w) integer mask values on the grid of `AffinityModel.dense`: 0 background, others classes, 255 undecided.
    """

    images: Tensor
    labels: Tensor


class AffinityModel(TrunkNetwork):
    """A trained network that says which neighbouring cells of an image belong together.

    Parameters
    ----------
    trunk : Trunk
        Feature extractor.
    parameters : Parameters, optional
        The method's own; defaults without.
    normalisation : Normalisation
        The input the trunk's weights want; it is stored with the checkpoint.
    """

    shelf = "affinity"
    trunk: Trunk

    def __init__(self, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET) -> None:
        super().__init__(parameters, normalisation)
        self.trunk = trunk

    @property
    def stride(self) -> int:
        """Input pixels per cell of the grid."""
        return self.trunk.output_stride

    @property
    def padding_multiple(self) -> int:
        """Images are padded (right and below, with the mean colour) to sides that are multiples of this."""
        return self.stride

    @property
    @abstractmethod
    def offsets(self) -> Sequence[Offset]:
        """The partners (dy, dx) of every cell at inference, half of all directions."""

    @abstractmethod
    def dense(self, images: Tensor) -> Tensor:
        """Return what cells are compared by, (B,D,h,w) with h = ceil(H / stride), of normalised images (B,3,H,W)."""

    @abstractmethod
    def pair_affinities(self, dense: Tensor) -> Tensor:
        """Return affinities (B,P,h,w) in [0, 1] of the cells and their partners at `offsets`, from `dense` (B,D,h,w).

        They are 0 where a partner lies outside.
        """

    @abstractmethod
    def loss(self, batch: AffinityBatch) -> dict[str, Tensor]:
        """Return the named losses of a batch; their sum is minimised."""

    def boundary(self, dense: Tensor) -> Tensor | None:
        """Return how likely a class boundary runs through each cell, (B,h,w) in [0, 1]; None where nothing says so."""
        return None

    def infer(self, image: NDArray[np.uint8], settings: Inference) -> Affinities:
        """Return the affinities of one image, as `infer_affinities` does."""
        return infer_affinities(self, image, settings)


def infer_affinities(model: AffinityModel, image: NDArray[np.uint8], inference: Inference | None = None) -> Affinities:
    """Return the affinities of one image's neighbouring cells.

    Parameters
    ----------
    model : AffinityModel
        Its training mode is what it was before, afterwards.
    image : (H, W, 3) uint8
        RGB, any size; above `inference.pixel_budget` it is cut into overlapping tiles.
    inference : Inference, optional
        Without it one pass. Only its scale 1 is run, whatever `scales` says: distances are in cells of the image. With
        `flip` the descriptions of image and mirrored image are averaged.

    Returns
    -------
    Affinities
        On the grid (ceil(H/stride), ceil(W/stride)).
    """
    network, settings = model.prepared(inference or Inference(preset="single"), _compared)
    resized = resize(image, *model.normalisation.fit_size(*image.shape[:2]))
    views = (resized, resized[:, ::-1]) if settings.flip else (resized,)
    with torch.inference_mode():
        found = [_dense(network, view, settings) for view in views]
        dense = (found[0] + found[1].flip(2)) / 2 if settings.flip else found[0]
        values, boundary = network.pair_affinities(dense[None])[0], network.boundary(dense[None])
    offsets = np.array(model.offsets, np.intp).reshape(-1, 2)
    edges = None if boundary is None else boundary[0].float().cpu().numpy()
    return Affinities(model.believed(values.float()).clamp(0, 1).cpu().numpy(), offsets, edges)


def _compared(model: AffinityModel, images: Tensor) -> Tensor:
    return model.pair_affinities(model.dense(images))


def _dense(model: AffinityModel, image: NDArray[np.uint8], settings: Inference) -> Tensor:
    """Return the description (D,h,w) float32 of one view."""
    device = next(model.parameters()).device
    height, width = image.shape[:2]
    planes = torch.from_numpy(model.normalisation.apply(image))[None].to(device, memory_format=torch.channels_last)
    if model.normalisation.size_rule == "any":
        step = model.padding_multiple
        planes = F.pad(planes, (0, -width % step, 0, -height % step))

    def run(rows: slice, columns: slice) -> Tensor:
        with autocast(device, settings.precision):
            return model.dense(planes[:, :, rows, columns])[0].float()

    budget, overlap = settings.pixel_budget, settings.tile_overlap
    found = run_tiled(run, *planes.shape[2:], stride=model.stride, pixel_budget=budget, overlap=overlap)
    return found[:, : -(-height // model.stride), : -(-width // model.stride)]
