"""Bodies and details by a trained network, kept as the next stage's targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.core.progress import finish
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.saliency.base import SaliencyModel
from training.data.saliency_parts import LearnedParts, decoupled_by
from training.run_folder import RunFolder


class Noise:
    """Three pictures of different shapes."""

    def image(self, name: str) -> np.ndarray:
        random = np.random.default_rng(len(name))
        return random.integers(0, 256, (30 + len(name), 45, 3), dtype=np.uint8)

    def mask(self, name: str) -> np.ndarray:
        return self.image(name)[..., 0]

    def known(self, name: str) -> np.ndarray:
        return self.image(name)[..., 0]


@pytest.fixture(scope="module")
def model() -> SaliencyModel:
    torch.manual_seed(0)
    return SaliencyModel.build("ldf", TrunkChoice("resnet18", output_stride=32, width=1 / 16), {"side": 64}).train()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path, {})


def test_what_was_learned_is_read_back(model: SaliencyModel, run: RunFolder, tmp_path: Path) -> None:
    learned = LearnedParts(tmp_path / "parts", ["a/b", "ccc"])

    reports = list(learned.learn(model, Noise(), run))

    assert len(reports) == 2
    for name in ("a/b", "ccc"):
        body, detail = decoupled_by(model, Noise().image(name))
        np.testing.assert_array_equal(learned.parts().body(name), body)
        np.testing.assert_array_equal(learned.parts().detail(name), detail)
    assert not list(learned.learn(model, Noise(), run))


def test_a_stop_keeps_what_is_there(model: SaliencyModel, run: RunFolder, tmp_path: Path) -> None:
    learned = LearnedParts(tmp_path / "parts", ["a", "bb"])
    run.request_stop()

    assert finish(learned.learn(model, Noise(), run)) is False
    assert learned.parts().body("a").shape == (31, 45)
    assert len(list((tmp_path / "parts").glob("*.png"))) == 1


def test_the_network_keeps_its_mode(model: SaliencyModel) -> None:
    decoupled_by(model, Noise().image("a"))

    assert model.training
