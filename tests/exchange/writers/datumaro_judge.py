"""What Datumaro finds in an exported folder, as JSON: run by a Python that has it.

Its arguments are the folder and Datumaro's name of the format. It conflicts with packages of ours, so it lives in an
environment of its own.
"""

import hashlib
import json
import sys
from typing import Any

import numpy as np


def found(folder: str, kind: str) -> dict[str, object]:
    """Return the labels, and for each time an item occurs the digest of each label's pixels."""
    from datumaro.components.annotation import AnnotationType
    from datumaro.components.dataset import Dataset

    dataset = Dataset.import_from(folder, kind)
    labels = [label.name for label in dataset.categories()[AnnotationType.label].items]
    items = []
    for item in dataset:
        masks: dict[str, np.ndarray] = {}
        for one in item.annotations:
            if one.type in (AnnotationType.mask, AnnotationType.polygon) and one.label is not None:
                where = np.asarray(one.image) != 0 if one.type == AnnotationType.mask else filled(one, item)
                masks[labels[one.label]] = masks.get(labels[one.label], False) | where
        digests = {name: hashlib.sha256(where.tobytes()).hexdigest() for name, where in masks.items()}
        items.append([item.id, item.subset, digests])
    return {"labels": labels, "items": items}


def filled(polygon: Any, item: Any) -> np.ndarray:
    """Return where a polygon is, as Datumaro itself turns polygons into masks."""
    from pycocotools import mask

    return mask.decode(mask.frPyObjects([polygon.points], *item.media.size))[..., 0] != 0


if __name__ == "__main__":
    sys.stdout.write(json.dumps(found(*sys.argv[1:3])))
