"""napari's *Save selected layers*: a Labels layer as a palette PNG, in the colours that every mask of ours has."""

from pathlib import Path
from typing import Any

import numpy as np

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish_bytes
from napari_wsss.core.masks import encode_mask


def write_labels(path: str, data: Any, _attributes: dict[str, Any]) -> list[str]:
    """Write the values (H, W) in [0, 255] of a Labels layer, and return the file that was written.

    Raises
    ------
    ProjectError
        When a mask's PNG cannot hold the values.
    """
    values = np.asarray(data)
    if values.ndim != 2 or values.min(initial=0) < 0 or values.max(initial=0) > IGNORE:
        raise ProjectError(
            f"The layer has the shape {values.shape} and values up to {values.max(initial=0)}; a mask's PNG holds "
            f"(height, width) values from 0 to {IGNORE}. Save it as TIFF."
        )
    publish_bytes(Path(path), encode_mask(values.astype(np.uint8)))
    return [path]
