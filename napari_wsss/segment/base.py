"""The contract of a segmentation network, and everything around one that is the same for all of them.

A network gives class probabilities of a normalised batch. Scales, flips, resizing, normalising and tiling are
written once, here: the probabilities of all views are brought to the image's size (bilinear) and averaged.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_wsss.core.errors import LabelError
from napari_wsss.core.inference import SegmentInference
from napari_wsss.networks.across import total
from napari_wsss.networks.trunk import Trunk
from napari_wsss.pixels.resizing import resize, scaled_size
from napari_wsss.trunk_network import TrunkNetwork
from napari_wsss.weights.download import fetch
from napari_wsss.weights.fit import fit, load_trunk_weights
from napari_wsss.weights.identify import identify
from napari_wsss.weights.normalisation import IMAGENET, Normalisation
from napari_wsss.weights.published import published, published_names
from napari_wsss.weights.read import read


@dataclass(frozen=True)
class SegmenterBatch:
    """One training batch.

    Parameters
    ----------
    images : Tensor
        (B,3,H,W) float32, normalised.
    masks : Tensor
        (B,H,W) integer mask values: 0 background, k + 1 class k, 255 ignore.
    weights : Tensor
        (B,H,W) float32 >= 0: 1 for a person's pixels, less for a machine's, 0 for ignored ones.
    allowed : Tensor, optional
        (B,C+1) 1 for background and the classes each image is labelled with, else 0; for losses over these only.
    """

    images: Tensor
    masks: Tensor
    weights: Tensor
    allowed: Tensor | None = None


class Segmenter(TrunkNetwork):
    """A network that gives every pixel a class.

    Parameters
    ----------
    class_count : int
        Foreground classes, from 1; background is added.
    trunk : Trunk
        Feature extractor.
    parameters : Parameters, optional
        The method's own; defaults without.
    normalisation : Normalisation
        The input the trunk's weights want; it is stored with the checkpoint.

    Attributes
    ----------
    pixel_supervised : bool
        Whether it started from weights trained on pixel masks; its checkpoint remembers.
    network : Module
        What `published` weights fit; only methods that have some need it.
    trunk_learns : bool
        Whether training changes the trunk.
    by_labels : bool
        Whether its loss is over the classes each image is labelled with; it is judged with labels given, then.
    """

    shelf = "segment"
    has_classes = True
    trunk_learns: ClassVar[bool] = True
    by_labels: ClassVar[bool] = False
    network: nn.Module

    def __init__(
        self, class_count: int, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__(parameters, normalisation)
        if class_count < 1:
            raise LabelError(f"A segmenter for {class_count} classes is impossible; give at least one class.")
        self.class_count = class_count
        self.pixel_supervised = False

    @property
    @abstractmethod
    def trunk(self) -> Trunk:
        """The feature extractor."""

    @property
    def enlargement(self) -> float:
        """Factor on the size of every picture before the scales of inference."""
        return 1.0

    @property
    def known_classes(self) -> Tensor:
        """(C,) bool: the classes it answers for where nobody says which ones an image shows."""
        return torch.ones(self.class_count, dtype=torch.bool, device=next(self.parameters()).device)

    @abstractmethod
    def segment(self, images: Tensor) -> Tensor:
        """Return probabilities (B,C+1,H,W) of normalised images (B,3,H,W), background first, summing to 1."""

    def segment_among(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return probabilities (B,C+1,H,W) that only background and the labelled classes (B,C) bool share.

        They share equally where the network is so sure of another class that nothing is left for them.
        """
        found = self.segment(images)
        found = found.clamp(min=torch.finfo(found.dtype).tiny) * with_background(labels)[:, :, None, None]
        return found / found.sum(1, keepdim=True)

    @abstractmethod
    def loss(self, batch: SegmenterBatch) -> dict[str, Tensor]:
        """Return the named losses of a batch; their sum is minimised."""

    def load_weights(self, source: str) -> Normalisation:
        """Start from weights and return the input they expect (it becomes the network's).

        Parameters
        ----------
        source : str
            A file or a published name: the trunk's weights, or one of the `published` for this whole network. Of
            the latter a head made for another number of classes is left out and ours starts fresh.

        Raises
        ------
        WeightsError
            When they cannot be read or do not fit.
        """
        named = source in published_names()
        state, _ = read(fetch(published(source)) if named else Path(source))
        descriptor = published(source) if named else identify(state)
        if descriptor and descriptor.name in self.published and descriptor.trunk == self.trunk.name:
            fit(self.network, state, descriptor, allow_head_mismatch=True)
        else:
            descriptor = load_trunk_weights(self.trunk, source)
        self.normalisation, self.pixel_supervised = descriptor.normalisation, descriptor.pixel_supervised
        return self.normalisation

    def remember(self, run: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a checkpoint keeps of a run, and whether pixel masks were learned from before it."""
        return {**run, "pixel_supervised": True} if self.pixel_supervised else run

    def recall(self, run: Mapping[str, Any]) -> None:
        """Take back whether pixel masks were learned from."""
        self.pixel_supervised = bool(run.get("pixel_supervised", False))

    def infer(
        self, image: NDArray[np.uint8], settings: SegmentInference, present: Iterable[int] | None = None
    ) -> NDArray[np.float32]:
        """Return the class probabilities of one image, as `predict` does."""
        return predict(self, image, settings, present)


def with_background(labels: Tensor) -> Tensor:
    """Return labels (B,C) with a column of ones before them: background is always possible."""
    return torch.cat([torch.ones_like(labels[:, :1]), labels], 1)


def weighted_cross_entropy(logits: Tensor, masks: Tensor, weights: Tensor) -> Tensor:
    """Return sum(w * cross-entropy) / sum(w), a scalar; 0 when no pixel counts.

    Parameters
    ----------
    logits : Tensor
        (B,C+1,H,W).
    masks : Tensor
        (B,H,W) integer mask values; values without a channel (255) do not count.
    weights : Tensor
        (B,H,W) float32 >= 0.
    """
    counted = masks < logits.shape[1]
    weights = weights * counted
    target = torch.where(counted, masks, 0).long()
    losses = F.cross_entropy(logits.float(), target, reduction="none")  # (B, H, W)
    return total((losses * weights).sum()) / total(weights.sum()).clamp(min=torch.finfo(weights.dtype).tiny)


def at_image_size(logits: Tensor, images: Tensor, *, align_corners: bool = False) -> Tensor:
    """Return logits (B,C+1,h,w) of images (B,3,H,W) as (B,C+1,H,W) float32, bilinear between their cells."""
    return F.interpolate(logits.float(), images.shape[2:], mode="bilinear", align_corners=align_corners)


def rest_unused(trunk: Trunk, read: Sequence[str] = ()) -> None:
    """Keep stages after the last one a head reads (MobileNetV2's 1280 channels) as they are: they get no gradient.

    Parameters
    ----------
    trunk : Trunk
    read : sequence of str
        Taps the head reads; the trunk's `dense_tap` without.
    """
    used = [trunk.stage_taps.index(tap) for tap in read or (trunk.dense_tap,) if tap in trunk.stage_taps]
    for modules in trunk.stages()[max(used, default=len(trunk.stage_taps)) + 1 :]:
        for module in modules:
            module.requires_grad_(False)


def predict(
    segmenter: Segmenter,
    image: NDArray[np.uint8],
    inference: SegmentInference | None = None,
    present: Iterable[int] | None = None,
) -> NDArray[np.float32]:
    """Return class probabilities (C+1,H,W) float32 of one image of any size, background first, summing to 1.

    Parameters
    ----------
    segmenter : Segmenter
        Its training mode is what it was before, afterwards.
    image : (H, W, 3) uint8
        RGB; above `inference.pixel_budget` it is cut into overlapping tiles.
    inference : SegmentInference, optional
    present : iterable of int, optional
        0-based class indices of the image-level labels, which share all probability with background; any class without.
    """
    height, width = image.shape[:2]
    total = torch.zeros(segmenter.class_count + 1, height, width, device=next(segmenter.parameters()).device)
    labels = None if present is None else torch.zeros(1, segmenter.class_count, dtype=torch.bool, device=total.device)
    if labels is not None:
        labels[:, sorted(set(present or ()))] = True
    network, settings = segmenter.prepared(inference or SegmentInference(), _segment)
    with torch.inference_mode():
        for scale in settings.scales:
            size = segmenter.normalisation.fit_size(*scaled_size(height, width, scale * segmenter.enlargement))
            found = _probabilities(network, resize(image, *size), settings, labels)
            total += F.interpolate(found[None], (height, width), mode="bilinear", align_corners=False)[0]
    return (total / total.sum(0, keepdim=True)).cpu().numpy()


def _segment(segmenter: Segmenter, images: Tensor) -> Tensor:
    return segmenter.segment(images)


def _probabilities(
    segmenter: Segmenter, image: NDArray[np.uint8], settings: SegmentInference, labels: Tensor | None
) -> Tensor:
    """Return probabilities (C+1,H,W) of a resized image, the mean of both views."""

    def compute(batch: Tensor) -> Tensor:
        return segmenter.segment(batch)[0] if labels is None else segmenter.segment_among(batch, labels)[0]

    def whole(view: NDArray[np.uint8]) -> Tensor:
        return segmenter.over_image(compute, [view], settings, stride=1)

    found = whole(image)
    return (found + whole(image[:, ::-1]).flip(2)) / 2 if settings.flip else found
