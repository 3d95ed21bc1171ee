"""Published files of this field that are known but cannot be opened: named, so that none is taken for another."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.published import published_names

# What it is -> keys of which all are there.
_NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "IRNet, which predicts boundaries and displacements": ("resnet50.conv1.weight", "fc_edge1.0.weight"),
    "IRN's classifier on ResNet-50": ("resnet50.conv1.weight", "classifier.weight"),
    "LDF (saliency, trained on pixel masks)": ("bkbone.conv1.weight", "linearb.weight"),
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
