"""Whether a project's pixels all belong to a class, so that its masks have no background: what suggests it."""

from collections.abc import Iterable
from itertools import islice

import numpy as np

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.errors import WsssError
from napari_wsss.core.masks import Mask
from napari_wsss.project.project import Project

LEAST_MASKS, MOST_MASKS = 3, 20
LEAST_TAGGED, MOST_TAGGED = 20, 1000
LITTLE = 0.01
"""Share of background that a mask may have all the same: seams between classes."""
MOSTLY = 0.9
"""Share of the masks that must be without background."""


def covers_everything(masks: Iterable[Mask]) -> bool:
    """Return True when nearly all of some masks (H, W) uint8 have hardly any background; False for too few."""
    shares = [float((mask == BACKGROUND).sum() / max((mask != IGNORE).sum(), 1)) for mask in islice(masks, MOST_MASKS)]
    return len(shares) >= LEAST_MASKS and float(np.mean(np.asarray(shares) < LITTLE)) >= MOSTLY


def suggestion(project: Project) -> str:
    """Return why the setting is worth a thought, as a sentence for a person; "" where nothing suggests it.

    Masks without background do, or image-level labels that name two classes and more in every image.
    """
    if covers_everything(_masks(project)):
        return "The masks of this project have no background."
    records = islice(project.catalog.records(), MOST_TAGGED)
    counts = [len(record.labels) for record in records]
    if len(counts) >= LEAST_TAGGED and min(counts) >= 2:
        return "Every image is labelled with several classes."
    return ""


def _masks(project: Project) -> Iterable[Mask]:
    for image_id in project.catalog.ids(states=("accepted", "draft")):
        try:
            mask = project.masks.read_working(image_id)
        except WsssError:  # damaged: opening the image says so
            continue
        if mask is not None:
            yield mask
