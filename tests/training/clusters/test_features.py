from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.project.project import Project
from training.clusters.features import class_features, pooled_features
from training.data.pictures import Pictures


def test_features_are_the_mean_of_the_trunks_whatever_else_is_asked_for(project_folder: Path) -> None:
    localizer = Localizer.build("cam", TrunkChoice("resnet18", width=1 / 16), class_count=2).train()
    with Project.open(project_folder, read_only=True) as project:
        pictures, ids = Pictures(project, 1024), list(project.catalog.ids())[:3]
        together = list(pooled_features(localizer, pictures, ids))
        alone = list(pooled_features(localizer, pictures, ids[1:2]))
        planes = localizer.normalisation.apply(pictures.image(ids[1]))

    assert localizer.training
    assert together[1].shape == (localizer.trunk.channels,)
    np.testing.assert_array_equal(together[1], alone[0])
    with torch.no_grad():
        expected = localizer.eval().trunk(torch.from_numpy(planes)[None]).mean((2, 3))[0]
    np.testing.assert_allclose(together[1], expected.numpy(), rtol=1e-4, atol=1e-6)


def test_class_features_are_pooled_where_the_class_is_seen() -> None:
    torch.manual_seed(0)
    localizer = Localizer.build("cam", TrunkChoice("resnet18", width=1 / 16), class_count=3).eval()
    torch.nn.init.normal_(localizer.classifier.weight)
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    by_map, by_image = (class_features(localizer, image, (0, 2), pool) for pool in ("map", "image"))

    assert by_map.shape == by_image.shape == (2, localizer.trunk.channels)
    np.testing.assert_allclose(np.linalg.norm(by_map, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(by_image[0], by_image[1])
    assert np.abs(by_map[0] - by_map[1]).max() > 1e-4
    np.testing.assert_allclose(class_features(localizer, image, (2,), "map")[0], by_map[1], rtol=1e-4, atol=1e-6)


def test_networks_of_others_are_asked_to_describe_the_image() -> None:
    other = SimpleNamespace(describe=lambda image, settings: image.transpose(2, 0, 1).astype(np.float32))
    image = np.full((4, 6, 3), (0, 3, 4), np.uint8)
    np.testing.assert_allclose(class_features(other, image, (5, 7)), [[0, 0.6, 0.8]] * 2, rtol=1e-6)
