"""Opening published networks of any shelf: every head layout, other classes, other orders, other files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import WeightsError
from napari_wsss.core.registry import method_names
from napari_wsss.localize.base import Localizer
from napari_wsss.published import inspect_published, open_published, published_networks, shelf_of
from napari_wsss.segment.base import Segmenter
from napari_wsss.weights.published import published
from napari_wsss.weights.published_resnet38 import VOC_CLASSES
from tests.weights.states import deeplab_state, edam_lists, imagenet_state, resnet38_heads, resnet38_state

FEW = ClassList(["ant", "bee", "cow"])
VOC = ClassList(VOC_CLASSES)
METHODS = {
    "cam": "psa_cls_resnet38",
    "seam": "seam_resnet38",
    "sub_category": "sccam_resnet38",
    "edam": "edam_resnet38",
}
INSTALLED = [method for method in METHODS if method in method_names("localize")]


def state_of(method: str, classes: int) -> dict[str, Tensor]:
    """Return a file of one of the methods, at 1/16 of the trunk's width."""
    state = resnet38_state(16, resnet38_heads(METHODS[method], classes))
    return state | (edam_lists(classes) if method == "edam" else {})


def saved(path: Path, state: dict[str, Any]) -> Path:
    torch.save(state, path)
    return path


def scores(localizer: Localizer) -> Tensor:
    """Return the maps (C,h,w) of all classes on a fixed image."""
    image = torch.randn(1, 3, 48, 40, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        return localizer.localize(image, torch.ones(1, localizer.class_count, dtype=torch.bool))[0]


def assert_alike(found: Tensor, expected: Tensor) -> None:
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("method", INSTALLED)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_file_for_as_many_unnamed_classes_is_opened(tmp_path: Path, method: str, prefix: str) -> None:
    state = {f"{prefix}{key}": value for key, value in state_of(method, len(FEW)).items()}

    localizer, report = open_published(saved(tmp_path / "a.pth", state), FEW)

    assert localizer.method == method
    assert report.descriptor.name == METHODS[method]
    assert (report.missing, report.skipped_head) == ((), ())
    assert (localizer.trunk.name, localizer.stride, localizer.class_count) == ("resnet38", 8, len(FEW))
    assert not localizer.training
    assert scores(localizer).shape == (len(FEW), 6, 5)


@pytest.mark.parametrize("method", INSTALLED)
def test_the_same_names_in_another_order_give_the_same_maps(tmp_path: Path, method: str) -> None:
    path = saved(tmp_path / "a.pth", state_of(method, 20))
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1)).tolist()
    published, _ = open_published(path, VOC)
    ours, _ = open_published(path, ClassList(VOC.names_of(order)))

    assert scores(published).amax() > 0
    assert_alike(scores(ours), scores(published)[order])
    image = torch.randn(1, 3, 40, 40)
    with torch.inference_mode():
        assert_alike(ours.classify(image), published.classify(image)[:, order])


@pytest.mark.parametrize("method", INSTALLED)
def test_other_classes_are_refused_with_both_lists(tmp_path: Path, method: str) -> None:
    path = saved(tmp_path / "a.pth", state_of(method, 20))
    renamed = ClassList([*VOC.names[:-1], "television"])

    for classes in (FEW, renamed):
        with pytest.raises(WeightsError, match=f"is for 20 classes .*tvmonitor.*{classes.names[-1]}") as caught:
            open_published(path, classes)
        assert "resnet38_imagenet" in caught.value.candidates


@pytest.mark.parametrize("method", INSTALLED)
def test_another_count_without_names_says_the_count_and_the_background(tmp_path: Path, method: str) -> None:
    path = saved(tmp_path / "a.pth", state_of(method, 7))
    background = {"seam": "the first", "edam": "the last"}.get(method, "no background channel")

    with pytest.raises(WeightsError, match=rf"a\.pth .* is for 7 classes \(.*{background}.*The project has 3"):
        open_published(path, FEW)


def test_the_cluster_count_is_that_of_the_file(tmp_path: Path) -> None:
    if "sub_category" not in INSTALLED:
        pytest.skip("sub_category is not there")
    localizer, _ = open_published(saved(tmp_path / "a.pth", state_of("sub_category", 3)), FEW)

    assert localizer.settings.cluster_count == 3


def test_edam_for_inference_only_opens_and_says_what_is_missing(tmp_path: Path) -> None:
    state = resnet38_state(16, {"mask_layer.weight": (len(FEW) + 1, 256, 3, 3)})
    localizer, report = open_published(saved(tmp_path / "a.pth", state), FEW)

    assert {key.partition(".")[0] for key in report.missing} == {"reduction", "cross_image"}
    assert torch.equal(localizer.get_parameter("mask_layer.weight")[0], state["mask_layer.weight"][-1])


def test_an_incomplete_file_is_refused(tmp_path: Path) -> None:
    state = state_of("cam", len(FEW))
    del state["b5_1.conv_branch2a.weight"]

    with pytest.raises(WeightsError, match=r"no values for: trunk\.stage5\.1\.conv1\.weight"):
        open_published(saved(tmp_path / "a.pth", state), FEW)


def test_a_segmenter_has_its_channels_in_the_projects_order(tmp_path: Path) -> None:
    # All zero but the heads: a file without memory.
    state = {key: torch.zeros(()).expand(value.shape) for key, value in deeplab_state(21).items()}
    state["classifier.4.bias"] = torch.arange(21.0)
    path = saved(tmp_path / "a.pth", state)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1)).tolist()

    network, report = open_published(path, ClassList(VOC.names_of(order)), "segment")

    assert isinstance(network, Segmenter)
    assert shelf_of(report.descriptor) == "segment"
    assert network.normalisation == published("deeplab_v3_resnet50_coco").normalisation
    assert network.get_parameter("network.classifier.bias").tolist() == [0, *(k + 1 for k in order)]
    assert all(key.startswith("aux_classifier.") for key in report.unexpected + report.skipped_head)
    assert not report.missing
    with pytest.raises(WeightsError, match=r"a segmentation network; expected a localizer.*psa_cls_resnet38"):
        open_published(path, VOC, "localize")
    with pytest.raises(WeightsError, match=r"is for 20 classes .*The project has 3: ant, bee, cow\. Open it"):
        open_published(path, FEW)


@pytest.mark.parametrize("method", INSTALLED)
def test_inspection_says_what_a_file_is_without_a_project(tmp_path: Path, method: str) -> None:
    state = state_of(method, 5)
    found = inspect_published(saved(tmp_path / "a.pth", state))

    assert (found.descriptor.name, found.shelf) == (METHODS[method], "localize")
    assert (found.class_count, found.class_names) == (5, ())
    assert found.problem is None
    assert len(found.report.loaded) > 190
    del state["bn7.bias"]
    broken = inspect_published(saved(tmp_path / "a.pth", state))
    assert "trunk.norm.bias" in broken.report.missing
    assert "trunk.norm.bias" in str(broken.problem)


def test_inspection_of_a_trunk(tmp_path: Path) -> None:
    found = inspect_published(saved(tmp_path / "a.pth", imagenet_state("resnet18")))

    assert (found.shelf, found.class_count, found.problem) == (None, 1000, None)
    assert found.report.skipped_head == ("fc.weight", "fc.bias")


def affinity_state() -> dict[str, Tensor]:
    """Return a file of AffinityNet on ResNet-38 at 1/16 of its width."""
    sides = {"f8_3.weight": (4, 32, 1, 1), "f8_4.weight": (8, 64, 1, 1), "f8_5.weight": (16, 256, 1, 1)}
    return resnet38_state(16, sides | {"f9.weight": (28, 28, 1, 1)})


def test_a_network_without_classes_opens_in_any_project(tmp_path: Path) -> None:
    if "affinity_net" not in method_names("affinity"):
        pytest.skip("affinity_net is not there")
    path = saved(tmp_path / "a.pth", affinity_state())
    for classes in (FEW, VOC):
        network, report = open_published(path, classes)
        assert shelf_of(report.descriptor) == "affinity"
        assert (report.missing, report.unexpected) == ((), ())
        assert (network.method, network.stride) == ("affinity_net", 8)
    with pytest.raises(WeightsError, match="an affinity network; expected a localizer"):
        open_published(path, FEW, "localize")
    assert inspect_published(path).class_count == 0


def test_what_is_no_network_is_named(tmp_path: Path) -> None:
    for state, message in (
        (imagenet_state("resnet18"), "ResNet-18.*a trunk only.*give them as the trunk's weights.*psa_cls_resnet38"),
        ({"features.28.weight": torch.zeros(1), "extra_convs.6.weight": torch.zeros(1)}, "OAA"),
        ({"x": torch.zeros(1)}, "no known origin"),
    ):
        with pytest.raises(WeightsError, match=message):
            open_published(saved(tmp_path / "a.pth", state), FEW)
    assert set(published_networks("localize")) >= {METHODS[method] for method in INSTALLED}
