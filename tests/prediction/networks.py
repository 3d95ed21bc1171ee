"""Tiny networks as files, for the tests of prediction."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.pixels.resizing import resize
from napari_wsss.segment.base import Segmenter
from training.exporting.files import export_onnx

CLASSES = ClassList(("cat", "dog", "a/b: c"))
SMALL = TrunkChoice(width=1 / 16)


def build(method: str, shelf: str = "segment", trunk: TrunkChoice = SMALL) -> Any:
    """Return a network of random weights in evaluation mode."""
    torch.manual_seed(0)
    base: Any = Segmenter if shelf == "segment" else Localizer
    return base.build(method, trunk, class_count=len(CLASSES)).eval()


def saved(folder: Path, network: Any) -> Path:
    """Return the checkpoint of a network."""
    path = folder / f"{network.method}.safetensors"
    network.save(path, CLASSES, {})
    return path


def exported(folder: Path, network: Any) -> Path:
    """Return the ONNX file of a network."""
    path = folder / f"{network.method}.onnx"
    export_onnx(network, CLASSES, path, {})
    return path


def picture(height: int = 130, width: int = 171, seed: int = 0) -> NDArray[np.uint8]:
    """Return a smooth picture (H,W,3) uint8."""
    return resize(np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8), height, width)
