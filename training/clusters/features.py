"""Pooled features of a project's images: what images are compared and clustered by."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from napari_wsss.core.inference import Inference
from napari_wsss.localize.base import Localizer
from napari_wsss.networks.dense import as_batch, evaluating
from napari_wsss.pixels.resizing import resize
from training.data.pictures import Pictures

Pool = Literal["map", "image"]


def pooled_features(
    localizer: Localizer, pictures: Pictures, image_ids: Sequence[str]
) -> Iterator[NDArray[np.float32]]:
    """Yield the mean (C',) of the trunk's features over each whole image, at its own scale, one image at a time."""
    for image_id in image_ids:
        batch = _batch(localizer, pictures.image(image_id))
        with evaluating(localizer), torch.inference_mode():
            pooled = localizer.trunk(batch).float().mean((2, 3))[0]
        yield pooled.cpu().numpy()


def class_features(
    localizer: Any, image: NDArray[np.uint8], present: Sequence[int], pool: Pool = "map"
) -> NDArray[np.float32]:
    """Return features (K, C') of unit length of one image, a row per labelled class.

    Parameters
    ----------
    localizer : Localizer
        Any network that can `describe` an image; of ours, the trunk's last features are taken.
    image : (H, W, 3) uint8
    present : sequence of int
        The K labelled classes, as the localizer counts them.
    pool : 'map' or 'image'
        Mean of the features where the class's map is, weighted by it, or over the whole image (SC-CAM). A network
        that is not ours is always pooled over the image.
    """
    if not isinstance(localizer, Localizer):
        described: NDArray[np.float32] = localizer.describe(image, Inference())
        return _unit(np.repeat(described.mean((1, 2))[None], len(present), 0))
    batch = _batch(localizer, image)
    with evaluating(localizer), torch.inference_mode():
        features = localizer.trunk(batch).float()
        weights = torch.ones(1, len(present), *features.shape[2:], device=features.device)
        if pool == "map":
            weights = _weights(localizer, batch, present, features)
        shares = weights / weights.sum((2, 3), keepdim=True)
        pooled = torch.einsum("bkhw,bchw->bkc", shares, features)[0]
    return _unit(pooled.cpu().numpy())


def _weights(localizer: Localizer, batch: Tensor, present: Sequence[int], features: Tensor) -> Tensor:
    """Return the maps (1,K,h,w) of the present classes on the features' grid; ones where a map is empty."""
    labels = torch.zeros(1, localizer.class_count, dtype=torch.bool, device=batch.device)
    labels[:, list(present)] = True
    maps = localizer.localize(batch, labels)[:, list(present)].float().clamp(min=0)
    maps = F.interpolate(maps, features.shape[2:], mode="bilinear", align_corners=False)
    return torch.where(maps.sum((2, 3), keepdim=True) > 0, maps, torch.ones_like(maps))


def _batch(localizer: Localizer, image: NDArray[np.uint8]) -> Tensor:
    resized = resize(image, *localizer.input_size(*image.shape[:2]))
    return as_batch([localizer.normalisation.apply(resized)], next(localizer.parameters()).device)


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)
