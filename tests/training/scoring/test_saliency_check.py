"""Figures of a network on held-out examples."""

from __future__ import annotations

import numpy as np
import torch

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.saliency.base import SaliencyModel
from training.scoring.saliency_check import SaliencyCheck


class Halves:
    """One picture whose right half is something and whose first rows are ignored."""

    def image(self, name: str) -> np.ndarray:
        return np.repeat(self.mask(name)[..., None], 3, 2)

    def mask(self, name: str) -> np.ndarray:
        mask = np.zeros((40, 50), np.uint8)
        mask[:, 25:] = 255
        return mask

    def known(self, name: str) -> np.ndarray:
        known = np.full((40, 50), 255, np.uint8)
        known[:5] = 0
        return known


def test_figures_and_tables_and_nothing_without_examples() -> None:
    torch.manual_seed(0)
    model = SaliencyModel.build("ldf", TrunkChoice("resnet18", output_stride=32, width=1 / 16), {"side": 64})

    check = SaliencyCheck(model, Halves(), ["a", "b"])

    assert next(iter(check.figures())) == "adaptive_f"
    assert all(0 <= value <= 1.01 for value in check.figures().values())
    tables = check.tables()
    assert tables["saliency"][0][1] == "mean of 2"
    assert sum(int(row[2]) for row in tables["edges"][1:]) == 2 * 35 * 50
    assert SaliencyCheck(model, Halves(), []).figures() == {}
    assert SaliencyCheck(model, Halves(), []).tables() == {}
