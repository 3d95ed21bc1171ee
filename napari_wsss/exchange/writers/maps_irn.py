"""Activation maps as IRN, PSA's successors and many others read them: a pickled dictionary in an ``.npy`` file.

Ahn, Cho and Kwak, "Weakly Supervised Learning of Instance Segmentation with Inter-pixel Relations", CVPR 2019, step
``make_cam``: ``keys`` are the 0-based classes of the image, ``cam`` their maps at a quarter of the size, ``high_res``
at the image's.
"""

import io
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.maps import Scores
from napari_wsss.exchange.lists.class_lists import CLASS_LIST
from napari_wsss.exchange.writers.base import Item, Kind, Writer
from napari_wsss.exchange.writers.voc import class_list

CAM_FOLDER = "cam"
STRIDE = 4


class MapsIrn(Writer):
    """``cam/x.npy`` with ``keys`` (K,), ``cam`` (K,h,w) and ``high_res`` (K,H,W), both float32 in [0, 1]."""

    title = "Activation maps (IRN's npy)"
    judge: ClassVar[str] = "NumPy"
    kind: ClassVar[Kind] = "maps"

    def add(self, item: Item) -> None:
        """Write the maps of one image; read them with ``numpy.load(file, allow_pickle=True).item()``."""
        maps = item.maps
        record = {"keys": np.asarray(maps.classes, np.int64), "cam": quartered(maps.scores), "high_res": maps.scores}
        file = io.BytesIO()
        np.save(file, np.array(record, dtype=object), allow_pickle=True)
        self.put(f"{CAM_FOLDER}/{item.name}.npy", file.getvalue())

    def finish(self) -> None:
        """Write what the classes are called; its first line is background."""
        self.put(CLASS_LIST, class_list(self))


def quartered(scores: Scores) -> NDArray[np.float32]:
    """Return maps (K,H,W) at stride 4: (K, (H-1)//4 + 1, (W-1)//4 + 1), as ``get_strided_size`` of IRN counts."""
    height, width = ((side - 1) // STRIDE + 1 for side in scores.shape[1:])
    found = np.zeros((len(scores), height, width), np.float32)
    for row, one in enumerate(scores):
        found[row] = Image.fromarray(one).resize((width, height), Image.Resampling.BILINEAR)
    return found
