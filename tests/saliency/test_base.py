"""What is the same for all saliency models: sizes, scales, flips, checkpoints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_wsss.core.errors import StepError, WeightsError
from napari_wsss.core.inference import Inference
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.networks.trunk import Trunk, build_trunk
from napari_wsss.saliency.base import SaliencyBatch, SaliencyModel, SaliencyParameters, Size, resized
from napari_wsss.weights.normalisation import IMAGENET, TENSORFLOW, Normalisation
from napari_wsss.weights.trained import Trained

EXACT = Inference(preset="single", precision="float32")
TINY = TrunkChoice("resnet18", output_stride=32, width=1 / 16)


class Bright(SaliencyModel):
    """Salient is what is bright; remembers at which sizes it was asked."""

    title = "Bright"

    def __init__(self, side: int, normalisation: Normalisation = IMAGENET) -> None:
        super().__init__(build_trunk("resnet18", width=1 / 16), SaliencyParameters(side), normalisation)
        self.kept = build_trunk("resnet18", width=1 / 16)
        self.asked: list[tuple[int, ...]] = []

    @property
    def trunk(self) -> Trunk:
        return self.kept

    def saliency(self, images: Tensor, size: Size | None = None) -> Tensor:
        self.asked.append(tuple(images.shape[2:]))
        grey = images.mean(1, keepdim=True).sigmoid()
        return F.interpolate(grey, size or images.shape[2:], mode="bilinear", align_corners=False)[:, 0]

    def loss(self, batch: SaliencyBatch) -> dict[str, Tensor]:
        return {"none": batch.masks.sum()}


def picture(height: int = 50, width: int = 90) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2 :] = 255
    return image


def test_the_contract_needs_two_verbs_and_a_trunk() -> None:
    with pytest.raises(TypeError):
        SaliencyModel(build_trunk("resnet18", width=1 / 16))  # type: ignore[abstract]


def test_an_image_is_seen_as_a_square_and_the_result_has_its_size() -> None:
    model = Bright(64)

    found = model.infer(picture(), EXACT)

    assert found.shape == (50, 90)
    assert found.dtype == np.float32
    assert found[25, 80] > 0.8 > 0.2 > found[25, 10]
    assert model.input_size(50, 90) == (64, 64)


def test_side_0_keeps_the_size_up_to_the_pixel_budget() -> None:
    model = Bright(0)

    assert model.input_size(50, 90) == (50, 90)
    assert model.input_size(500, 900, 0.5) == (250, 450)
    assert np.prod(model.input_size(5000, 9000, 1.0, 1_000_000)) == pytest.approx(1_000_000, rel=0.01)


def test_scales_and_flip_are_averaged() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    model = Bright(64)

    found = model.infer(image, replace(EXACT, preset="full", scales=(0.5, 1.0), flip=True))
    half, whole = (model.infer(image, replace(EXACT, preset="full", scales=(s,), flip=False)) for s in (0.5, 1.0))

    np.testing.assert_allclose(found, (half + whole) / 2, atol=1e-5)


def test_sizes_obey_the_weights() -> None:
    assert Bright(64, TENSORFLOW).input_size(50, 90) == (65, 65)


def test_resizing_keeps_what_has_the_size() -> None:
    images = torch.randn(1, 3, 8, 9)

    assert resized(images, (8, 9)) is images
    assert resized(images, (4, 5)).shape == (1, 3, 4, 5)


def test_a_checkpoint_needs_nothing_else(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = SaliencyModel.build("ldf", TINY, {"side": 64})
    model.normalisation = TENSORFLOW
    model.save(tmp_path / "x.safetensors", None, {"recipe": "saliency"})

    found, classes, what = type(model).restore(tmp_path / "x.safetensors", "cpu")

    assert classes is None
    assert isinstance(what, Trained)
    assert what.run == {"recipe": "saliency"}
    assert (found.normalisation, found.settings.side) == (TENSORFLOW, 64)
    np.testing.assert_array_equal(found.infer(picture(), EXACT), model.infer(picture(), EXACT))


def test_what_cannot_be_built_says_why(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="no saliency method"):
        SaliencyModel.build("guess")
    with pytest.raises(StepError, match="Output stride"):
        SaliencyModel.build("ldf", TrunkChoice("vgg16", output_stride=32))
    (tmp_path / "x.safetensors").write_bytes(b"")
    with pytest.raises(WeightsError):
        SaliencyModel.restore(tmp_path / "x.safetensors", "cpu")
