"""Known files without a network of ours are named, and never taken for another."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.weights.identify import identify
from napari_wsss.weights.neighbours import neighbour, unknown_origin
from tests.weights.states import resnet38_state


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (("resnet50.conv1.weight", "classifier.weight"), "IRN's"),
        (("resnet50.conv1.weight", "fc_edge1.0.weight"), "IRNet"),
        (("vgg.features.0.weight", "extra_linear_e.weight"), "MCIS"),
        (("bkbone.conv1.weight", "linearb.weight"), "LDF"),
        (("base.layer1.conv1.conv.weight", "base.aspp.c0.weight"), "DeepLab v2"),
    ],
)
def test_each_is_named(keys: tuple[str, ...], name: str) -> None:
    state = {key: torch.zeros(1) for key in keys}

    assert name in neighbour(state)
    assert identify(state) is None
    assert name in str(unknown_origin(state))


def test_affinity_weights_are_not_taken_for_a_localizer() -> None:
    side = {"f8_3.weight": (4, 32, 1, 1), "f8_4.weight": (8, 64, 1, 1), "f8_5.weight": (16, 256, 1, 1)}
    state = resnet38_state(16, side | {"f9.weight": (28, 28, 1, 1)})

    assert identify(state) is None
    assert "AffinityNet" in str(unknown_origin(state))


def test_anything_else_shows_its_first_names() -> None:
    error = unknown_origin({"x.weight": torch.zeros(1)})

    assert "no known origin" in str(error)
    assert "x.weight" in str(error)
    assert "psa_cls_resnet38" in error.candidates
