"""The graph normalises as the training did, and its description says what is around it."""

import numpy as np
import pytest
import torch

from napari_wsss.core.errors import StepError
from napari_wsss.weights.normalisation import CAFFE, IMAGENET, TENSORFLOW, Normalisation
from tests.prediction.networks import CLASSES, build, picture
from training.exporting.graph import Normalise, describe, graph_of


@pytest.mark.parametrize("wanted", [IMAGENET, TENSORFLOW, CAFFE])
def test_pixels_are_normalised_as_in_training(wanted: Normalisation) -> None:
    found = Normalise(wanted)(torch.from_numpy(picture())[None])[0]
    np.testing.assert_allclose(found.numpy(), wanted.apply(picture()), atol=1e-4)


def test_a_graph_learns_nothing_and_draws_nothing() -> None:
    graph = graph_of(build("deeplab_v3").train())
    assert not any(part.training for part in graph.modules())
    assert not any(weight.requires_grad for weight in graph.parameters())


def test_a_method_that_cannot_be_exported_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    network = build("cam", "localize")
    monkeypatch.setattr(type(network), "not_exportable", "it asks a database.")
    with pytest.raises(StepError, match="it asks a database"):
        graph_of(network)


def test_what_is_around_a_localizer_is_described() -> None:
    network = build("seam", "localize")
    network.side = 320
    what = describe(network, CLASSES, {"checkpoint": "x"})
    assert (what.kind, what.method, what.side, what.stride) == ("localize", "seam", 320, network.stride)
    assert (what.aligned_corners, what.map_range, what.known) == (network.aligned_corners, "min_max", (True,) * 3)


def test_classes_nobody_has_shown_are_described() -> None:
    network = build("pixel_classifier")
    network.known[1] = False
    network.enlarge(2.0)
    what = describe(network, CLASSES, {})
    assert (what.known, what.enlargement, what.stride) == ((False, True, True), 2.0, 1)
