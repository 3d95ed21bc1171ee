"""Every shelf's network comes back from its checkpoint as it was; what is not one is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.affinity.base import AffinityModel
from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError, WeightsError
from napari_wsss.core.inference import Inference, SegmentInference
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.saliency.base import SaliencyModel
from napari_wsss.segment.base import Segmenter
from napari_wsss.trunk_network import TrunkNetwork

Shelf = type[TrunkNetwork]
SMALL = TrunkChoice("resnet18", width=1 / 16)
CLASSES = ClassList(("cat", "dog"))
ONE_OF_EACH: list[tuple[Shelf, str, ClassList | None]] = [
    (Localizer, "cam", CLASSES),
    (Segmenter, "deeplab_v3plus", CLASSES),
    (AffinityModel, "affinity_net", None),
    (SaliencyModel, "ldf", None),
]


@pytest.mark.parametrize(("shelf", "method", "classes"), ONE_OF_EACH)
def test_a_checkpoint_needs_nothing_else(shelf: Shelf, method: str, classes: ClassList | None, tmp_path: Path) -> None:
    network = shelf.build(method, SMALL, class_count=len(classes) if classes else None)
    network.save(tmp_path / "net.safetensors", classes, {"recipe": "test"})

    found, known, what = shelf.restore(tmp_path / "net.safetensors", "cpu")

    assert type(found) is type(network)
    assert not found.training
    assert known == classes
    assert what.run == {"recipe": "test"}
    wanted = network.state_dict()
    assert wanted.keys() == found.state_dict().keys()
    assert all(torch.equal(value, wanted[key]) for key, value in found.state_dict().items())


@pytest.mark.parametrize(("shelf", "method", "classes"), ONE_OF_EACH)
def test_a_network_that_knows_nothing_is_not_believed(
    shelf: Shelf, method: str, classes: ClassList | None, tmp_path: Path
) -> None:
    network = shelf.build(method, SMALL, class_count=len(classes) if classes else None)
    image = np.zeros((40, 40, 3), np.uint8)
    arguments = (
        ([0], Inference()) if shelf is Localizer else (SegmentInference() if shelf is Segmenter else Inference(),)
    )
    with torch.no_grad():
        for weight in network.parameters():
            weight.fill_(float("nan"))
    with pytest.raises(StepError, match="no numbers"):
        network.eval().infer(image, *arguments)  # type: ignore[operator]
    network.save(tmp_path / "net.safetensors", classes, {})
    with pytest.raises(WeightsError, match=r"net\.safetensors knows nothing"):
        shelf.restore(tmp_path / "net.safetensors", "cpu")


def test_a_restored_network_is_named(tmp_path: Path) -> None:
    Localizer.build("cam", SMALL, class_count=2).save(tmp_path / "net.safetensors", CLASSES, {})
    network, _, _ = Localizer.restore(tmp_path / "net.safetensors", "cpu")
    with pytest.raises(StepError, match=r"net\.safetensors gives results that are no numbers"):
        network.believed(torch.tensor([1.0, float("inf")]))


@pytest.mark.parametrize(("shelf", "method", "classes"), ONE_OF_EACH)
def test_rates_are_for_every_weight_that_learns(shelf: Shelf, method: str, classes: ClassList | None) -> None:
    network = shelf.build(method, SMALL, class_count=len(classes) if classes else None)

    grouped = [id(weight) for weight in (*network.trunk_parameters(), *network.head_parameters())]

    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {id(weight) for weight in network.parameters() if weight.requires_grad}


def test_another_shelfs_file_is_refused(tmp_path: Path) -> None:
    AffinityModel.build("affinity_net", SMALL).save(tmp_path / "net.safetensors", None, {})
    with pytest.raises(WeightsError, match="affinity"):
        Localizer.restore(tmp_path / "net.safetensors", "cpu")


def test_an_impossible_trunk_is_refused() -> None:
    with pytest.raises(StepError):
        Localizer.build("cam", TrunkChoice("no_such_trunk"), class_count=2)


def test_views_of_an_image_are_computed_together_and_tiles_join() -> None:
    network = Localizer.build("cam", SMALL, class_count=2)
    image = np.random.default_rng(0).integers(0, 256, (97, 160, 3), np.uint8)
    views = (image, image[:, ::-1])
    shapes = []

    def brightness(batch: torch.Tensor) -> torch.Tensor:
        shapes.append(batch.shape)
        return torch.nn.functional.avg_pool2d(batch, 8, ceil_mode=True).mean(1)

    whole = network.over_image(brightness, views, SegmentInference(precision="float32"), 8)
    tiled = SegmentInference(pixel_budget=4096, tile_overlap=16, precision="float32")

    assert whole.shape == (2, 13, 20)
    assert shapes == [(2, 3, 97, 160)]
    assert torch.equal(network.over_image(brightness, views, tiled, 8), whole)
    assert len(shapes) > 2


def test_the_network_to_infer_with_computes_the_same_and_every_setting_is_decided() -> None:
    network = Segmenter.build("deeplab_v3", SMALL, class_count=2)
    network.train()
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    found, settings = network.prepared(Inference(preset="single"), lambda one, batch: one.segment(batch))

    assert (settings.scales, settings.flip) == ((1.0,), False)
    assert settings.precision in ("float32", "bfloat16")
    assert network.training
    with torch.no_grad():
        assert torch.allclose(found.segment(images), network.eval().segment(images), atol=1e-4)
