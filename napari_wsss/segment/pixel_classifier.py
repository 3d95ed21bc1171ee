"""A pixel classifier on frozen features: a small head on several depths of a trunk that does not learn.

The features f(x) of a cell are those of the trunk at several strides, each tap brought to the finest of their grids
(hypercolumns; Hariharan et al., "Hypercolumns for Object Segmentation and Fine-grained Localization", CVPR 2015)::

    z(x) = W2 ReLU(W1 (f(x) - m) / s + b1) + b2        p(x) = softmax(z(x))

m and s are mean and spread of the features learned from. The trunk never changes, so its features are computed once
per image, and a fit takes seconds: what a person gives is learned at once.

`known` says which classes were shown. Where image-level labels are given, another class gets what is neither background
nor a class that was shown: nothing ever pulled its logit anywhere. Without labels its probability is 0. In proposals it
keeps what the maps of the applied localizer propose, if there is one (`keeps_maps`). `map_share` says how much that
counts in proposals of the classes that were shown.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_wsss.core.errors import StepError
from napari_wsss.core.inference import SegmentInference
from napari_wsss.core.parameters import parameter
from napari_wsss.core.provenance import Provenance
from napari_wsss.networks.dense import as_batch, evaluating, run_tiled_each
from napari_wsss.networks.device import autocast
from napari_wsss.networks.fold import folded
from napari_wsss.networks.pixel_head import PixelHead, enlarged, on_finest_grid
from napari_wsss.networks.precision import inference_precision
from napari_wsss.networks.trunk import Trunk
from napari_wsss.pixels.resizing import resize, scaled_size
from napari_wsss.pixels.tap_features import TapFeatures
from napari_wsss.segment.base import Segmenter, SegmenterBatch, weighted_cross_entropy, with_background
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

QUICK = {
    "optimisation": {
        **{"optimiser": "adamw", "learning_rate": 0.002, "head_rate": 1.0, "weight_decay": 1.0},
        **{"iterations": 150, "batch_size": 2048, "warm_up": 0},
    },
}
NEVER = -1e4
"""Logit of a class nobody has shown."""


class PixelClassifier(Segmenter):
    """A perceptron on the features of several depths of a trunk that stays as it is."""

    title = "Pixel classifier on frozen features"
    advice = "Learns in seconds, also from a few clicks. A trunk pretrained on many images matters more than anything."
    recipe = "pixel_classifier"
    trunk_learns = False
    by_labels = True
    keeps_maps = True
    presets: ClassVar = {"pretrained": QUICK, "scratch": QUICK}

    @dataclass(frozen=True)
    class Parameters:
        """Pixel classifier on frozen features."""

        taps: tuple[int, ...] = parameter(
            (8, 16, 32),
            "Taps",
            "Strides at which the trunk's features are read; those the trunk does not have are left out.",
            bounds=(1, 64),
        )
        enlargement: float = parameter(
            0.0,
            "Enlargement",
            "Factor on the size of pictures before the trunk sees them; 0 brings the longer side to about 480 pixels, "
            "or to what was measured to be better.",
            bounds=(0.0, 16.0),
            decimals=3,
        )
        hidden: int = parameter(128, "Hidden width", "Units of the hidden layer.", bounds=(1, 4096))
        dropout: float = parameter(
            0.7, "Dropout", "Share of hidden units left out in training.", bounds=(0.0, 0.95), advanced=True
        )
        members: int = parameter(
            1, "Members", "Perceptrons whose answers are averaged; each takes as long.", bounds=(1, 16), advanced=True
        )

    settings: Parameters

    def __init__(
        self,
        class_count: int,
        trunk: Trunk,
        parameters: Any | None = None,
        normalisation: Normalisation = IMAGENET,
    ) -> None:
        super().__init__(class_count, trunk, parameters, normalisation)
        self._trunk = trunk
        trunk.requires_grad_(False)
        trunk.freeze_batch_norm()
        self.taps = tuple(
            name for stride in sorted(set(self.settings.taps)) if (name := f"stride{stride}") in trunk.taps
        )
        if not self.taps:
            raise StepError(
                f"{trunk.name} has no features at stride {', '.join(map(str, self.settings.taps))}; choose among "
                f"{', '.join(trunk.taps)}."
            )
        channels = sum(trunk.taps[tap] for tap in self.taps)
        self.head = PixelHead(
            channels, class_count + 1, self.settings.hidden, self.settings.dropout, self.settings.members
        )
        self._hashed: tuple[tuple[tuple[int, int], ...], str] = (), ""
        self.register_buffer("known", torch.ones(class_count + 1, dtype=torch.bool))
        self.register_buffer("map_share", torch.zeros(()))

    known: Tensor
    """(C+1,) bool: which classes somebody has shown, background first."""
    map_share: Tensor
    """() float32 in [0, 1]: the share of what the localizer's maps propose (`pipeline.learner.pooling.pooled`)."""

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Take a state, also one that was saved before it was pooled with anything; as torch does besides."""
        without = {"map_share": torch.zeros_like(self.map_share)}
        return super().load_state_dict({**without, **state_dict}, strict, assign)

    @property
    def trunk(self) -> Trunk:
        """The feature extractor."""
        return self._trunk

    @property
    def enlargement(self) -> float:
        """Factor on the size of pictures before the trunk sees them."""
        return self.settings.enlargement or 1.0

    def enlarge(self, factor: float) -> None:
        """Fix the enlargement that the parameters left open; it is saved with the network."""
        self.settings = replace(self.settings, enlargement=factor)

    def snapshot(self) -> Self:
        """Return a copy in evaluation mode that learns no more with this one; the trunk, which is frozen, is shared."""
        return copy.deepcopy(self, {id(self.trunk): self.trunk}).eval()

    # -- as every segmenter ---------------------------------------------------------------------------------

    def segment(self, images: Tensor) -> Tensor:
        """Return probabilities (B,C+1,H,W): softmax of the logits at image size, 0 for classes nobody has shown."""
        return self._logits(images).softmax(1)

    @property
    def known_classes(self) -> Tensor:
        """(C,) bool: the classes somebody has shown."""
        return self.known[1:]

    def segment_among(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return probabilities (B,C+1,H,W) of background and the labelled classes, also of those nobody has shown."""
        logits = self.head.on_taps(self._taps_of(images))
        allowed = with_background(labels)[:, :, None, None]
        return enlarged(torch.where(allowed, logits, NEVER), images.shape[2:]).softmax(1)

    def loss(self, batch: SegmenterBatch) -> dict[str, Tensor]:
        """Return ``segmentation``: cross-entropy at image size; the recipe learns from kept features instead."""
        return {"segmentation": weighted_cross_entropy(self._logits(batch.images), batch.masks, batch.weights)}

    def _logits(self, images: Tensor) -> Tensor:
        logits = self.head.on_taps(self._taps_of(images)).masked_fill(~self.known[:, None, None], NEVER)
        return enlarged(logits, images.shape[2:])

    def was_shown(self, k: int) -> bool:
        """Return True when somebody has shown the class k (0-based)."""
        return bool(self.known[k + 1])

    def _taps_of(self, images: Tensor) -> list[Tensor]:
        # Autocast caches weights cast inside of a graph; a trunk that never learns builds none.
        with torch.no_grad():
            return self._taps_by(self.trunk, images)

    def _taps_by(self, trunk: Trunk, images: Tensor) -> list[Tensor]:
        found = trunk.features(images, self.taps)
        return [found[tap] for tap in self.taps]

    # -- learning from cells --------------------------------------------------------------------------------

    def cell_loss(self, rows: Tensor, targets: Tensor, allowed: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Return ``cells``: the weighted cross-entropy of cells over the classes allowed to each, mean of the members.

        Parameters
        ----------
        rows : (N, D) float
            Features.
        targets : (N, C+1) float32
            Shares of the classes, background first, summing to 1.
        allowed : (N, C+1) bool
            Background and the image-level labels of each cell's image; other classes are neither right nor wrong.
        weights : (N,) float32 >= 0
        """
        logits = self.head.each(rows).float().masked_fill(~allowed, NEVER)
        losses = -(targets * logits.log_softmax(-1)).sum(-1).mean(0)  # (N,)
        return {"cells": (losses * weights).sum() / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)}

    # -- by kept features -----------------------------------------------------------------------------------

    def features_provenance(self) -> Provenance:
        """Return what decides the features of an image: trunk, its weights, taps, and how pictures enter it."""
        trunk = self.trunk
        facts = {
            "trunk": trunk.name,
            "output_stride": trunk.output_stride,
            "taps": list(self.taps),
            "enlargement": self.enlargement,
            "normalisation": self.normalisation.to_dict(),
        }
        return Provenance("features.taps", facts, weights=self._trunk_digest())

    def _trunk_digest(self) -> str:
        """Return the content hash of the trunk's values, computed again only when one of them changed."""
        state = self.trunk.state_dict()
        now = tuple((value.data_ptr(), -1 if value.is_inference() else value._version) for value in state.values())
        if self._hashed[0] != now:
            self._hashed = now, _digest(state)
        return self._hashed[1]

    def describe(self, image: NDArray[np.uint8], inference: SegmentInference | None = None) -> TapFeatures:
        """Return the features of an image (H,W,3) uint8 RGB: one pass of the trunk, in tiles where it is large."""
        settings = (inference or SegmentInference()).resolved()
        height, width = image.shape[:2]
        device = self.known.device
        with evaluating(self):
            trunk = folded(self.trunk, self._deepest)  # the trunk alone, which stays when another head is learned
        precision = inference_precision(settings.precision, trunk, self._deepest)
        size = self.normalisation.fit_size(*scaled_size(height, width, self.enlargement))
        view = resize(image, *size)

        def run(rows: slice, columns: slice) -> list[Tensor]:
            batch = as_batch([self.normalisation.apply(view[rows, columns])], device)
            with autocast(device, precision):
                return [tap[0].float() for tap in self._taps_by(trunk, batch)]

        with torch.inference_mode():
            taps = run_tiled_each(
                run, *size, self.tap_strides, pixel_budget=settings.pixel_budget, overlap=settings.tile_overlap
            )
        return TapFeatures.of((height, width), [self.believed(tap).cpu().numpy() for tap in taps])

    @property
    def tap_strides(self) -> tuple[int, ...]:
        """Pixels of the enlarged image per cell of each tap."""
        return tuple(min(int(tap.removeprefix("stride")), self.trunk.output_stride) for tap in self.taps)

    def _deepest(self, trunk: Trunk, images: Tensor) -> Tensor:
        return self._taps_by(trunk, images)[-1]

    def rows(self, features: TapFeatures) -> Tensor:
        """Return an image's kept features (h*w,D) float32 on the finest grid, row by row."""
        return on_finest_grid(self._kept(features))[0].flatten(1).T

    def _kept(self, features: TapFeatures) -> list[Tensor]:
        return [torch.from_numpy(tap)[None].to(self.known.device) for tap in features.values()]

    def answer(
        self, features: TapFeatures, classes: tuple[int, ...], size: tuple[int, int] | None = None
    ) -> NDArray[np.float32]:
        """Return probabilities (K+1,H,W) float32 of background and of the given classes, which share all of it.

        Parameters
        ----------
        features : TapFeatures
            As `describe` gives them.
        classes : tuple of int
            0-based; the image-level labels.
        size : (int, int), optional
            Height and width; the image's without it.
        """
        wanted = [0, *(k + 1 for k in classes)]
        with torch.inference_mode(), evaluating(self.head):
            planes = self.believed(self.head.on_taps(self._kept(features))[:, wanted])  # (1, K+1, h, w)
            found: NDArray[np.float32] = enlarged(planes, size or features.size).softmax(1)[0].cpu().numpy()
        return found


def _digest(state: dict[str, Tensor]) -> str:
    """Return a content hash of a trunk's values (what batch norm counts is none of them)."""
    digest = hashlib.sha256()
    for name in sorted(state):
        if not name.endswith("num_batches_tracked"):
            digest.update(name.encode())
            digest.update(state[name].detach().cpu().contiguous().float().numpy().tobytes())
    return digest.hexdigest()
