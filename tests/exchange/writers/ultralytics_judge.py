"""What Ultralytics finds in an exported folder, as JSON: run by a Python that has it.

Its argument is the folder. It brings packages that conflict with ours, so it lives in an environment of its own.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np


def found(folder: Path) -> dict[str, Any]:
    """Return the class names, and for each image the digest of each class's pixels, filled as for training."""
    from ultralytics.data.utils import check_det_dataset, polygon2mask, verify_image_label

    names = check_det_dataset(str(folder / "data.yaml"), autodownload=False)["names"]
    items = []
    for image in sorted((folder / "images").rglob("*")):
        if not image.is_file():
            continue
        label = folder / "labels" / image.relative_to(folder / "images").with_suffix(".txt")
        _, labels, (height, width), segments, *_, corrupt, message = verify_image_label(
            (str(image), str(label), "", False, len(names), 0, 0, False)
        )
        assert not corrupt, message
        masks: dict[str, np.ndarray] = {}
        for (kind, *_), segment in zip(labels, segments, strict=True):
            filled = polygon2mask((height, width), [(segment * (width, height)).ravel()]) != 0
            masks[names[int(kind)]] = masks.get(names[int(kind)], False) | filled
        digests = {name: hashlib.sha256(where.tobytes()).hexdigest() for name, where in masks.items()}
        items.append([image.relative_to(folder / "images").as_posix(), digests])
    return {"labels": list(names.values()), "items": items}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(found(Path(sys.argv[1]))))
