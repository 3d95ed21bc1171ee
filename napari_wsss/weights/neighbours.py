"""Published files of this field that are known but cannot be opened: named, so that none is taken for another."""

from collections.abc import Mapping

from torch import Tensor

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.published import published_names

# What it is -> keys of which all are there.
_NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "OAA's classifier on VGG-16": ("features.28.weight", "extra_convs.6.weight"),
    "DeepLab v3+ of segmentation_models_pytorch": ("encoder.conv1.weight", "segmentation_head.0.weight"),
    "torchvision's FCN": ("backbone.conv1.weight", "classifier.0.weight", "classifier.4.weight"),
    "torchvision's DeepLab v3 on MobileNetV3": ("backbone.0.0.weight", "classifier.0.convs.0.0.weight"),
}


def neighbour(state: Mapping[str, Tensor]) -> str:
    """Return what a state dict of a known but unsupported origin is; empty for any other."""
    return next((title for title, keys in _NEIGHBOURS.items() if all(key in state for key in keys)), "")


def unknown_origin(state: Mapping[str, Tensor]) -> WeightsError:
    """Return the error for a state dict that `identify` does not know."""
    known = published_names()
    title = neighbour(state)
    first = ", ".join(list(state)[:4])
    found = (
        f"These weights are {title}; this program has no such network yet"
        if title
        else f"These weights are of no known origin (their first names are: {first})"
    )
    return WeightsError(f"{found}. Known are: {', '.join(known)}.", candidates=known)
