"""Which web images show what they were found for: judged by what they share with trusted images of the class.

MCIS (Sun et al., ECCV 2020) learns from web images as they are and lets co-attention see to the noise; leaving the
worst ones out is our own. A web image's score is the probability of its label by what trusted images find of it: its
features put together again on their grids, the mean over several of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish_json
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.localize.co_attention import CoAttention
from napari_wsss.networks.dense import as_batch, evaluating
from napari_wsss.pixels.resizing import resize, scaled_size
from napari_wsss.project.records import ImageRecord
from training.data.extra_images import ExtraImage
from training.data.pictures import Pixels

STAGE = "classifier"
TRUSTED = 5
"""Trusted images that each web image is compared with."""


@dataclass(frozen=True)
class Judged:
    """What became of the web images.

    Parameters
    ----------
    kept : tuple of ExtraImage
    dropped : mapping of str to float
        Path to score of those left out; -1 where the file cannot be read.
    threshold : float
        Least score of the kept ones.
    """

    kept: tuple[ExtraImage, ...]
    dropped: Mapping[str, float]
    threshold: float

    @property
    def summary(self) -> str:
        """How many were left out, in words."""
        return f"{len(self.dropped)} of {len(self.kept) + len(self.dropped)} web images left out"

    def save(self, path: Path) -> None:
        """Write which images were left out, with their scores, and the kept ones."""
        record = {
            "summary": self.summary,
            "threshold": self.threshold,
            "dropped": dict(self.dropped),
            "kept": [str(extra.path) for extra in self.kept],
        }
        publish_json(path, record, indent=2)

    @classmethod
    def load(cls, path: Path, found: Sequence[ExtraImage]) -> Judged:
        """Return what `save` wrote about the images `found`; new ones are not among them."""
        record = json.loads(path.read_text(encoding="utf-8"))
        kept = set(record["kept"])
        chosen = tuple(extra for extra in found if str(extra.path) in kept)
        return cls(chosen, record["dropped"], record["threshold"])


def judged(
    localizer: CoAttention,
    classes: ClassList,
    found: Sequence[ExtraImage],
    trusted: Mapping[str, Sequence[Callable[[], Pixels]]],
    read: Callable[[ExtraImage], Pixels],
) -> Steps[Judged]:
    """Score web images and leave out those below the localizer's ``web_threshold``.

    Parameters
    ----------
    localizer : CoAttention
        Trained on trusted images.
    classes : ClassList
        Order of its outputs.
    found : sequence of ExtraImage
    trusted : mapping of str to readers
        Images (H, W, 3) uint8 of each class; a class without any is judged by its images alone.
    read : callable
        Returns the pixels of a web image.
    """
    threshold = localizer.settings.web_threshold
    kept, dropped = [], {}
    known: dict[str, list[Tensor]] = {}
    for position, extra in enumerate(found):
        with evaluating(localizer), torch.inference_mode():
            if extra.label not in known:
                known[extra.label] = [_features(localizer, one()) for one in trusted.get(extra.label, ())]
            try:
                score = _score(localizer, read(extra), known[extra.label], classes.index(extra.label))
            except ProjectError:
                score = -1.0
        if score >= threshold:
            kept.append(extra)
        else:
            dropped[str(extra.path)] = round(score, 4)
        yield Progress(STAGE, position + 1, len(found), f"judging, {len(dropped)} left out")
    return Judged(tuple(kept), dropped, threshold)


def trusted_images(records: Sequence[ImageRecord], label: str) -> list[str]:
    """Return the ids of a few images of a class, those with few labels first, always the same ones."""
    carrying = [record for record in records if label in record.labels]
    carrying.sort(key=lambda r: (len(r.labels), hashlib.sha256(r.id.encode()).digest()))
    return [record.id for record in carrying[:TRUSTED]]


def _score(localizer: CoAttention, image: Pixels, trusted: Sequence[Tensor], k: int) -> float:
    own = _features(localizer, image)
    if not trusted:
        return float(localizer.classifier(own).mean((2, 3))[0, k].sigmoid())
    # The second direction: the web image's features, on the grid of the trusted one.
    shared = [localizer.attention(own, one)[1] for one in trusted]
    logits = torch.stack([localizer.co_maps(one).mean((2, 3))[0, k] for one in shared])
    return float(logits.mean().sigmoid())


def _features(localizer: CoAttention, image: Pixels) -> Tensor:
    scale = min(1.0, localizer.settings.companion_side / max(image.shape[:2]))
    size = localizer.normalisation.fit_size(*scaled_size(image.shape[0], image.shape[1], scale))
    device = next(localizer.parameters()).device
    return localizer.features(as_batch([localizer.normalisation.apply(resize(image, *size))], device))
