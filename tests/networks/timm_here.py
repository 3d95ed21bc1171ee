"""timm for the tests that need it, which are skipped with the reason where it cannot be imported."""

import importlib
from typing import Any

import pytest
import torch

_OPERATORS = ("nms", "qnms")
_KEPT: list[Any] = []


def timm_or_skip() -> Any:
    """Return timm.

    It imports torchvision, whose usual wheel is built for CUDA and lacks two operators beside a torch for CPUs alone;
    no encoder needs these, so they are declared, and the import is tried once more.
    """
    try:
        return importlib.import_module("timm")
    except ImportError as reason:
        pytest.skip(f"the extra `timm` is not installed ({reason})", allow_module_level=True)
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        _KEPT.append(library)  # its operators live as long as it does
        for name in _OPERATORS:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return importlib.import_module("timm")
