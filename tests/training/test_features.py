from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from napari_wsss.core.project import Project
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import build_localizer
from training.data import Pictures
from training.features import pooled_features


def test_features_are_the_mean_of_the_trunks_whatever_else_is_asked_for(project_folder: Path) -> None:
    localizer = build_localizer("cam", 2, TrunkChoice(width=1 / 16)).train()
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
