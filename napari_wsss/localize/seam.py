"""SEAM: self-supervised equivariant attention (Wang et al., CVPR 2020).

With class maps M = w . f(x) (1 + C channels, the background first and never taught), a second view A(I) of the
images I, and PCM (`networks.pixel_correlation`) on an embedding e of image and two detailed features of the trunk::

    s_c      = mean over pixels of M_c, enlarged to the image      logit of class c
    M'       = PCM(winners(M), e)                                  the maps it localizes by, section 3.4
    L_cls    = multi-label soft margin, mean of both views         equation 7
    L_ER     = mean |A(m(I)) - m(A(I))|                            equation 8
    L_ECR    = hard mean |A(m'(I)) - m(A(I))| + |A(m(I)) - m'(A(I))|    equation 9
    L_rvmin  = mean of the lowest quarter of M', both views        in the public code only

where m are the labelled maps stretched to [0, 1]. L_ECR compares with the winners of m as constants, and by its
hardest 20 percent. No gradient passes from PCM into the trunk or the class maps: L_ECR and L_rvmin teach the
embedding, L_cls and L_ER the rest. Image-level labels are not used inside PCM.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.core.parameters import parameter
from napari_wsss.localize.base import Localizer, LocalizerBatch, label_loss
from napari_wsss.networks.affine import View, draw_view
from napari_wsss.networks.equivariance import (
    hardest_mean,
    lowest_mean,
    mean_inside,
    stretched,
    strongest_only,
    with_background,
)
from napari_wsss.networks.pixel_correlation import competing, correlate
from napari_wsss.networks.trunk import LAST, Trunk, scaled
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

_CODE = {"learning_rate": 0.01, "weight_decay": 5e-4, "batch_size": 8, "epochs": 8}
_VIEW = {"crop": 448, "scale_low": 1.0, "scale_high": 768 / 448, "colour": 0.3}
# At stride 16 and small crops a third of the image has too few cells to agree on. A few epochs leave the embedding too
# smooth for a power of 1: then the published module makes the maps of photographs worse, not better.
_SHORT = {"rescale": 0.5, "dropout": 0.0, "winners_only": False, "affinity_power": 3.0, "correlations": 2}


@dataclass(frozen=True)
class Maps:
    """Raw maps of a batch (B,1+C,...), the background first: plain ones and, where computed, correlated ones."""

    plain: Tensor
    correlated: Tensor | None = None

    def each(self, change: Callable[[Tensor], Tensor]) -> Maps:
        """Return both maps changed alike."""
        return Maps(change(self.plain), None if self.correlated is None else change(self.correlated))


class Seam(Localizer):
    """Maps that follow the image through transformations and agree among similar pixels."""

    title = "SEAM"
    background_threshold = 0.449  # alpha 1.34
    published = ("seam_resnet38",)
    aligned_corners = True
    map_range = "min_max"
    presets: ClassVar = {
        "pretrained": {"parameters": _SHORT},
        # The public code passes the weight decay where SGD expects the momentum.
        "reference": {"optimisation": _CODE | {"momentum": 5e-4}, "augmentation": _VIEW},
        "paper": {"optimisation": _CODE | {"momentum": 0.9, "learning_rate": 0.001}, "augmentation": _VIEW},
    }
    ablation: ClassVar[dict[str, dict[str, Any]]] = {
        "SEAM baseline": {"equivariance_weight": 0.0, "correlation": False},
        "SEAM ER": {"correlation": False},
        "SEAM ER PCM": {"hard_share": 1.0},
        "SEAM ER PCM OHEM": {},
    }

    @dataclass(frozen=True)
    class Parameters:
        """SEAM."""

        equivariance_weight: float = parameter(
            1.0, "Equivariance (L_ER)", "Weight of the agreement of both views; 0 leaves it out.", bounds=(0.0, 100.0)
        )
        correlation: bool = parameter(
            True, "Pixel correlation (PCM)", "Learn which pixels are alike (L_ECR) and share maps among them."
        )
        use_correlation: bool = parameter(
            True, "Correlate maps", "Localize by the correlated maps; off gives the plain ones of the same network."
        )
        winners_only: bool = parameter(
            True, "Winners only", "Each cell gives away its strongest class only, as published.", advanced=True
        )
        affinity_power: float = parameter(
            1.0,
            "Affinity power (beta)",
            "Larger shares among the most similar pixels only; 1 is published.",
            bounds=(0.1, 64.0),
            advanced=True,
        )
        correlations: int = parameter(
            1, "Correlations", "How often the maps are shared; 1 is published.", bounds=(1, 10), advanced=True
        )
        correlation_stride: int = parameter(
            0,
            "Correlation stride",
            "Pixels per cell where pixels are correlated; 0 is the trunk's output stride, 8 finer and slower.",
            choices=(0, 8),
            advanced=True,
        )
        hard_share: float = parameter(
            0.2,
            "Hard share (OHEM)",
            "Share of the values, over all classes, that L_ECR counts: the largest; 1 counts all.",
            bounds=(0.001, 1.0),
        )
        min_pooling: bool = parameter(
            True,
            "Empty quarter (L_rvmin)",
            "Push the lowest quarter of the correlated maps to zero, as the public code does.",
            advanced=True,
        )
        rescale: float = parameter(
            0.3, "Rescaling (A)", "Factor on the sides of the second view; 1 keeps them.", bounds=(0.1, 2.0)
        )
        mirror: bool = parameter(False, "Mirroring (A)", "Mirror the second view.", advanced=True)
        rotation: float = parameter(
            0.0, "Rotation (A)", "Largest angle of the second view in degrees.", bounds=(0.0, 180.0), advanced=True
        )
        shift: int = parameter(
            0, "Translation (A)", "Largest shift of the second view in pixels.", bounds=(0, 1024), advanced=True
        )
        dropout: float = parameter(
            0.5, "Dropout", "Share of feature channels left out in training.", bounds=(0.0, 0.9), advanced=True
        )

    settings: Parameters

    def __init__(
        self, class_count: int, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__(class_count, trunk, parameters, normalisation)
        shallow, deep, together = (scaled(channels, trunk.width) for channels in (64, 128, 192))
        taps = [trunk.taps[tap] for tap in trunk.detail_taps]
        self.dropout = nn.Dropout2d(self.settings.dropout)
        self.classifier = nn.Conv2d(trunk.channels, class_count + 1, 1, bias=False)
        self.embed_shallow = nn.Conv2d(taps[0], shallow, 1, bias=False)
        self.embed_deep = nn.Conv2d(taps[1], deep, 1, bias=False)
        self.embed = nn.Conv2d(3 + shallow + deep, together, 1, bias=False)
        # Small, as CAM's: the published start (Xavier) costs a trunk that learns with momentum its features.
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.kaiming_normal_(self.embed_shallow.weight)
        nn.init.kaiming_normal_(self.embed_deep.weight)
        nn.init.xavier_uniform_(self.embed.weight, gain=4)
        for layer in (self.embed_shallow, self.embed_deep, self.embed):
            layer.requires_grad_(self.settings.correlation)

    @property
    def stride(self) -> int:
        """Input pixels per cell of the maps and of the embedding."""
        return (self.settings.correlation and self.settings.correlation_stride) or self.trunk.output_stride

    def maps(self, images: Tensor, *, correlated: bool) -> Maps:
        """Return the raw maps of images (B,3,H,W): the plain ones on the trunk's grid, the correlated on `stride`."""
        taps = self.trunk.features(images, (LAST, *(self.trunk.detail_taps if correlated else ())))
        plain = self.classifier(self.dropout(taps[LAST])).float()  # (B, 1+C, h', w')
        if not correlated:
            return Maps(plain)
        embedding = self._embedding(images, taps)
        shared = competing(_resized(plain.detach(), embedding.shape[2:]), winners_only=self.settings.winners_only)
        for _ in range(self.settings.correlations):
            shared = correlate(shared, embedding, power=self.settings.affinity_power)
        return Maps(plain, shared)

    def classify(self, images: Tensor) -> Tensor:
        """Return image-level logits (B,C): the mean of the maps after enlarging them to the image, as published."""
        return _logits(self.maps(images, correlated=False).plain, images)

    def localize(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the correlated maps (B,C,h,w) of the labelled classes, zero for the others."""
        maps = self.maps(images, correlated=self.settings.correlation and self.settings.use_correlation)
        found = maps.correlated
        if found is None:
            found = _resized(maps.plain.relu(), self._grid(images))
        return found[:, 1:] * labels[:, :, None, None]

    def loss(self, batch: LocalizerBatch) -> dict[str, Tensor]:
        """Return ``classification`` and, where chosen, ``min_pooling``, ``equivariance`` and ``cross``.

        Without equivariance and correlation there is one view only: the plain classifier.
        """
        chosen = self.settings
        if not chosen.equivariance_weight and not chosen.correlation:
            return {"classification": label_loss(self.classify(batch.images), batch.labels)}
        view = draw_view(
            batch.images, rescale=chosen.rescale, mirror=chosen.mirror, rotation=chosen.rotation, shift=chosen.shift
        )
        both = (batch.images, view(batch.images))
        maps = [self.maps(images, correlated=chosen.correlation) for images in both]
        logits = [_logits(one.plain, images) for one, images in zip(maps, both, strict=True)]
        losses = {"classification": label_loss(torch.cat(logits), batch.labels.repeat(2, 1))}
        first, second = (_labelled(one, batch.present, images) for one, images in zip(maps, both, strict=True))
        return losses | self._emptiness(first, second) | self._agreement(first, second, view)

    def embedding(self, images: Tensor) -> Tensor:
        """Return what PCM compares pixels by, (B,D,h,w) on the grid of `localize`, of images (B,3,H,W)."""
        return self._embedding(images, self.trunk.features(images, self.trunk.detail_taps))

    def _emptiness(self, *views: Maps) -> dict[str, Tensor]:
        """Return L_rvmin of labelled maps at the size of the images."""
        lowest = [lowest_mean(one.correlated[:, 1:]) for one in views if one.correlated is not None]
        return {"min_pooling": torch.stack(lowest).mean()} if lowest and self.settings.min_pooling else {}

    def _agreement(self, first: Maps, second: Maps, view: View) -> dict[str, Tensor]:
        """Return L_ER and L_ECR of labelled maps at the size of the images, compared on the pixels of the second."""
        inside, found = view.inside, {}
        first, second = first.each(lambda one: view(stretched(one))), second.each(lambda one: stretched(one, inside))
        if self.settings.equivariance_weight:
            difference = mean_inside((first.plain - second.plain)[:, 1:].abs(), self.class_count, inside)
            found["equivariance"] = self.settings.equivariance_weight * difference
        if first.correlated is not None and second.correlated is not None:
            wanted = [strongest_only(with_background(one.plain.detach())) for one in (second, first)]
            hardest = [
                hardest_mean((one - other).abs(), self.class_count + 1, self.settings.hard_share, inside)
                for one, other in zip(wanted, (first.correlated, second.correlated), strict=True)
            ]
            found["cross"] = torch.stack(hardest).sum()
        return found

    def _embedding(self, images: Tensor, taps: dict[str, Tensor]) -> Tensor:
        grid = self._grid(images)
        shallow, deep = (_resized(taps[tap].detach(), grid) for tap in self.trunk.detail_taps)
        shallow, deep = self.embed_shallow(shallow).relu(), self.embed_deep(deep).relu()
        joined = torch.cat([_resized(images, grid).to(deep.dtype), shallow, deep], 1)
        embedding: Tensor = self.embed(joined)
        return embedding

    def _grid(self, images: Tensor) -> torch.Size:
        # Rounded up without negative numbers, which ONNX divides otherwise.
        return torch.Size((side + self.stride - 1) // self.stride for side in images.shape[2:])


def _labelled(maps: Maps, labels: Tensor, images: Tensor) -> Maps:
    """Return maps (B,1+L,H,W) at the size of the images: the background, and the L classes an image has at most.

    An image with fewer has maps that are zero, as the published code has for every absent class.
    """
    there, which = labels.topk(max(1, int(labels.sum(1).max())), 1)  # (B, L)
    there, which = there[:, :, None, None], which[:, :, None, None]

    def chosen(planes: Tensor) -> Tensor:
        present = planes[:, 1:].take_along_dim(which, 1) * there
        return _resized(torch.cat([planes[:, :1], present], 1), images.shape[2:])

    return maps.each(chosen)


def _logits(maps: Tensor, images: Tensor) -> Tensor:
    """Return the means (B,C) of maps (B,1+C,h,w) enlarged to the images, without enlarging them."""
    rows, columns = (
        F.interpolate(torch.eye(cells, device=maps.device)[None], pixels, mode="linear", align_corners=True)[0].mean(1)
        for cells, pixels in zip(maps.shape[2:], images.shape[2:], strict=True)
    )
    return (maps[:, 1:] * (rows[:, None] * columns)).sum((2, 3))


def _resized(planes: Tensor, size: torch.Size) -> Tensor:
    """Return planes (B,C,H,W) at another size, corners aligned: cells of all strides have the first pixel in common."""
    if planes.shape[2:] == size:
        return planes
    return F.interpolate(planes, size, mode="bilinear", align_corners=True)
