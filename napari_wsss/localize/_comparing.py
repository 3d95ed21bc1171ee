"""What localizers have in common whose maps come from comparing an image with companions: how these maps are computed.

Published (MCIS): the image is paired with companions, with its mirror image and with itself at other sizes. Each pair
gives a map; `networks.map_fusion.fused` adds them up.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from napari_wsss.core.errors import WsssError
from napari_wsss.core.inference import Companion, Inference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.localize.base import Localizer, every_map, in_range, infer_maps
from napari_wsss.networks.co_attention import PairAttention
from napari_wsss.networks.kept_features import kept_features
from napari_wsss.networks.map_fusion import fused
from napari_wsss.pixels.resizing import resize, scaled_size
from napari_wsss.pixels.working_size import factor_to

Pixels = NDArray[np.uint8]
# Class -> features (1,D,h,w) of the companions that show it.
Related = Mapping[int, Sequence[Tensor]]

# Affinities grow with the square of this: an image is compared at a size whose largest view has no more cells.
_MOST_CELLS = 16384


class Comparing(Localizer):
    """A localizer that describes cells and attends to what two images have in common.

    Attributes
    ----------
    attention : PairAttention
        Of the features of two images.
    settings : Parameters
        With ``maps`` ('fused', 'pairs' or 'plain') and ``companion_side`` (longest side of a companion in pixels).
    """

    attention: PairAttention
    settings: Any

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Return what is compared, (B,D,h,w), of normalised images (B,3,H,W)."""

    @abstractmethod
    def co_maps(self, attended: Tensor) -> Tensor:
        """Return maps (B,C,h,w), before ReLU, of attended features (B,D,h,w)."""

    def infer(
        self, image: Pixels, present: Sequence[int], settings: Inference, companions: Sequence[Companion] = ()
    ) -> ActivationMaps:
        """Return the maps of one image with its companions; plain ones of classes that no companion shows.

        Companions that cannot be read are left out.
        """
        wanted = [one for one in companions if set(one.labels) & set(present)]
        if self.settings.maps == "plain" or not wanted:
            return infer_maps(self, image, present, settings)
        scores = compared_maps(self, image, present, settings, wanted)
        rest = infer_maps(self, image, [k for k in present if k not in scores], settings)
        scores |= dict(zip(rest.classes, rest.scores, strict=True))
        classes = tuple(sorted(scores))
        return ActivationMaps(np.stack([scores[k] for k in classes]), classes)


def compared_maps(
    localizer: Comparing, image: Pixels, present: Sequence[int], inference: Inference, companions: Sequence[Companion]
) -> dict[int, NDArray[np.float32]]:
    """Return the map (H,W) in [0, 1] of every present class that a readable companion shows.

    Parameters
    ----------
    localizer : Comparing
        Its training mode is what it was before, afterwards.
    image : (H, W, 3) uint8
        RGB, any size.
    present : sequence of int
        0-based class indices.
    inference : Inference
        Its scales and flip are the views the image is paired with ('fused') or looked at ('pairs').
    companions : sequence of Companion
    """
    network, settings = localizer.prepared(inference, every_map)
    height, width = image.shape[:2]
    with torch.inference_mode():
        related = related_features(network, present, companions, settings)
        if not related:
            return {}
        views = _Views(network, image, settings)
        maps = _fused(views, related) if network.settings.maps == "fused" else _added(views, related)
        total = in_range(_enlarged(maps, height, width, "bilinear"), network.map_range).cpu().numpy()
    return dict(zip(related, total, strict=True))


def related_features(
    network: Comparing, classes: Sequence[int], companions: Sequence[Companion], settings: Inference
) -> dict[int, list[Tensor]]:
    """Return the features (1,D,h,w) of the readable companions of each class that has some, classes ascending."""
    found: dict[int, list[Tensor]] = {k: [] for k in sorted(set(classes))}
    for one in companions:
        shown = [k for k in one.labels if k in found]
        try:
            features = _kept(network, one, settings) if shown else None
        except (WsssError, OSError):
            continue
        for k in shown:
            assert features is not None
            found[k].append(features)
    return {k: features for k, features in found.items() if features}


def _kept(network: Comparing, companion: Companion, settings: Inference) -> Tensor:
    """Return the features of a companion, computed once for a network."""

    def compute() -> Tensor:
        pixels = companion.read()
        scale = min(1.0, network.settings.companion_side / max(pixels.shape[:2]))
        size = network.normalisation.fit_size(*scaled_size(pixels.shape[0], pixels.shape[1], scale))
        return _features(network, resize(pixels, *size), settings)

    return kept_features(network).get((companion.content, settings.precision), compute)


def _features(network: Comparing, image: Pixels, settings: Inference) -> Tensor:
    """Return the features (1,D,h,w) of a resized image."""
    return network.over_image(lambda batch: network.features(batch)[0], [image], settings, network.stride)[None]


class _Views:
    """The features (1,D,h,w) of an image at several scales, mirrored or not."""

    def __init__(self, network: Comparing, image: Pixels, settings: Inference) -> None:
        self.network, self.settings = network, settings
        self._image = image
        height, width = image.shape[:2]
        factor = factor_to(height, width, settings.working_side or network.side)
        cells = height * width * (factor * max(1.0, *settings.scales) / network.stride) ** 2
        self._scale = min(1.0, math.sqrt(_MOST_CELLS / cells))

    def at(self, scale: float, *, mirrored: bool = False) -> Tensor:
        height, width = self._image.shape[:2]
        size = self.network.input_size(height, width, scale * self._scale, self.settings.working_side)
        image = resize(self._image, *size)
        image = image[:, ::-1] if mirrored else image
        return _features(self.network, image, self.settings)


def _fused(views: _Views, related: Related) -> Tensor:
    """Return maps (K,h,w) >= 0 added up as published: with views of the image itself, then with companions."""
    own = views.at(1.0)
    shared = _shared(views.network, own, related)[None]
    return fused(torch.cat([*_with_itself(views, own, list(related)), shared]))


def _with_itself(views: _Views, own: Tensor, classes: list[int]) -> Iterator[Tensor]:
    """Yield maps (1,K,h,w) of an image with features `own` paired with its other views."""
    network, (height, width) = views.network, own.shape[2:]
    if views.settings.flip:
        first, second = network.attention(own, views.at(1.0, mirrored=True))
        yield network.co_maps(first)[:, classes]
        yield network.co_maps(second)[:, classes].flip(3)
    for scale in views.settings.scales:
        if scale != 1:
            _, second = network.attention(own, views.at(scale))
            yield _enlarged(network.co_maps(second)[0, classes], height, width, "bicubic")[None]


def _added(views: _Views, related: Related) -> Tensor:
    """Return maps (K,h,w) >= 0 with companions, added over scales and flips on the finest grid."""
    found = []
    for at, scale in sorted(enumerate(views.settings.scales), key=itemgetter(1), reverse=True):
        each = []
        for is_mirrored in views.settings.views(at):
            maps = _shared(views.network, views.at(scale, mirrored=is_mirrored), related).relu()
            each.append(maps.flip(2) if is_mirrored else maps)
        found.append(each[0] + each[1] if len(each) > 1 else each[0])
    height, width = found[0].shape[1:]
    return torch.stack([_enlarged(maps, height, width, "bilinear") for maps in found]).sum(0)


def _shared(network: Comparing, features: Tensor, related: Related) -> Tensor:
    """Return the maps (K,h,w), before ReLU, of each class averaged over its companions."""
    computed: dict[int, Tensor] = {}
    for one in (one for others in related.values() for one in others):
        if id(one) not in computed:
            computed[id(one)] = network.co_maps(network.attention.attended(features, one))[0]
    return torch.stack([torch.stack([computed[id(o)][k] for o in others]).mean(0) for k, others in related.items()])


def _enlarged(maps: Tensor, height: int, width: int, mode: str) -> Tensor:
    return F.interpolate(maps[None], (height, width), mode=mode, align_corners=False)[0]
