"""What is special about CAM: the mean of a map is the logit, and training it on a toy finds the object."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from napari_wsss.core.inference import Inference
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, LocalizerBatch, infer_maps
from napari_wsss.localize.cam import Cam


def cam(class_count: int = 3, width: float = 1 / 16) -> Cam:
    torch.manual_seed(0)
    found = Localizer.build("cam", TrunkChoice("resnet18", width=width), class_count=class_count)
    assert isinstance(found, Cam)
    return found.eval()


def test_the_mean_of_the_map_before_relu_is_the_logit() -> None:
    network, images = cam(), torch.randn(2, 3, 70, 90)
    with torch.no_grad():
        maps = network.classifier(network.trunk(images))

        torch.testing.assert_close(maps.mean((2, 3)), network.classify(images), atol=1e-5, rtol=1e-4)
        everything = torch.ones(2, 3, dtype=torch.bool)
        torch.testing.assert_close(network.localize(images, everything), maps.relu())


def test_the_root_is_that_of_the_maps() -> None:
    network, images = cam(), torch.randn(1, 3, 70, 90)
    rooted = Cam(3, network.trunk, Cam.Parameters(root=True)).eval()
    rooted.load_state_dict(network.state_dict())
    everything = torch.ones(1, 3, dtype=torch.bool)
    with torch.no_grad():
        torch.testing.assert_close(rooted.localize(images, everything).square(), network.localize(images, everything))


def test_the_classifier_has_no_bias() -> None:
    assert cam().classifier.bias is None


def test_dropout_acts_in_training_only() -> None:
    network = Localizer.build("cam", TrunkChoice(width=1 / 8), {"dropout": 0.5}, class_count=2)
    images = torch.randn(2, 3, 64, 64)

    network.train()
    network.trunk.freeze_batch_norm()
    assert not torch.equal(network.classify(images), network.classify(images))
    network.eval()
    torch.testing.assert_close(network.classify(images), network.classify(images))


@pytest.mark.parametrize("seed", [0, 1])
def test_training_puts_the_peak_of_a_map_on_its_object(seed: int) -> None:
    """Red or green squares on noise; the labels say which colours are there, never where."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = Localizer.build("cam", TrunkChoice("resnet18", output_stride=8, width=1 / 8), class_count=2).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(30):
        pictures, labels, _ = squares(random, 8)
        planes = np.stack([network.normalisation.apply(picture) for picture in pictures])
        losses = network.loss(LocalizerBatch(torch.from_numpy(planes), torch.from_numpy(labels)))
        optimiser.zero_grad()
        losses["classification"].backward()
        optimiser.step()
    hits = 0
    for picture, label, place in zip(*squares(random, 10), strict=True):
        scores = infer_maps(network, picture, [int(label.argmax())], Inference(precision="float32")).scores[0]
        hits += bool(place.flat[scores.argmax()])

    assert hits >= 6  # the squares cover 14 % of a picture: chance would hit one or two


def squares(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pictures (N,64,64,3) uint8, labels (N,2) float32 and where the square is (N,64,64) bool."""
    pictures = random.integers(0, 60, (count, 64, 64, 3), dtype=np.uint8)
    labels = np.zeros((count, 2), np.float32)
    places = np.zeros((count, 64, 64), bool)
    for n in range(count):
        k, (y, x) = int(random.integers(2)), random.integers(0, 40, 2)
        places[n, y : y + 24, x : x + 24] = True
        pictures[n, y : y + 24, x : x + 24, k] = 230
        labels[n, k] = 1
    return pictures, labels, places


def test_the_head_starts_small() -> None:
    assert isinstance(cam().classifier, nn.Conv2d)
    assert float(cam(20).classifier.weight.detach().abs().max()) < 0.1
