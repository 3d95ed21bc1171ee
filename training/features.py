"""Pooled features of a project's images: what images are compared and clustered by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from napari_wsss.core.resizing import resize
from napari_wsss.localize.base import Localizer
from napari_wsss.networks.dense import as_batch, evaluating
from training.data import Pictures


def pooled_features(
    localizer: Localizer, pictures: Pictures, image_ids: Sequence[str]
) -> Iterator[NDArray[np.float32]]:
    """Yield the mean (C',) of the trunk's features over each whole image, at its own scale, one image at a time."""
    device = next(localizer.parameters()).device
    for image_id in image_ids:
        image = pictures.image(image_id)
        size = localizer.normalisation.fit_size(*image.shape[:2])
        batch = as_batch([localizer.normalisation.apply(resize(image, *size))], device)
        with evaluating(localizer), torch.inference_mode():
            pooled = localizer.trunk(batch).float().mean((2, 3))[0]
        yield pooled.cpu().numpy()
