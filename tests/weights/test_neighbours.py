"""Known files without a network of ours are named, and never taken for another."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.weights.identify import identify
from napari_wsss.weights.neighbours import neighbour, unknown_origin
from tests.weights.states import imagenet_state

KNOWN = [
    (("features.28.weight", "extra_convs.6.weight"), "OAA"),
    (("encoder.conv1.weight", "segmentation_head.0.weight"), "segmentation_models_pytorch"),
    (("backbone.conv1.weight", "classifier.0.weight", "classifier.4.weight"), "FCN"),
    (("backbone.0.0.weight", "classifier.0.convs.0.0.weight"), "MobileNetV3"),
]


@pytest.mark.parametrize(("keys", "name"), KNOWN)
def test_each_is_named(keys: tuple[str, ...], name: str) -> None:
    state = {key: torch.zeros(1) for key in keys}

    assert name in neighbour(state)
    assert identify(state) is None
    assert name in str(unknown_origin(state))


def test_a_neighbour_is_not_taken_for_the_trunk_it_holds() -> None:
    state = {key: zeros for key, zeros in imagenet_state("vgg16", "meta").items() if key.startswith("features.")}
    state |= {f"extra_convs.{layer}.weight": torch.zeros(1) for layer in (0, 2, 4, 6)}

    assert identify(state) is None
    assert "OAA" in neighbour(state)


def test_anything_else_shows_its_first_names() -> None:
    error = unknown_origin({"x.weight": torch.zeros(1)})

    assert "no known origin" in str(error)
    assert "x.weight" in str(error)
    assert "psa_cls_resnet38" in error.candidates
