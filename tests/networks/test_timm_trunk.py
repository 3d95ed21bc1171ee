"""Encoders of timm as trunks: sizes, taps, strides, freezing, weights; nothing is fetched from anywhere."""

import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError, WeightsError
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, LocalizerBatch
from napari_wsss.networks.trunk import LAST, Trunk, build_trunk
from napari_wsss.segment.base import Segmenter, SegmenterBatch
from napari_wsss.weights.fit import load_trunk_weights
from napari_wsss.weights.normalisation import Normalisation
from tests.networks.timm_here import timm_or_skip

timm = timm_or_skip()
PYRAMIDS = ("test_convnext", "test_efficientnet", "test_resnet", "mobilenetv3_small_050", "regnetx_002")
NAMES = (*PYRAMIDS, "test_vit")


def build(name: str, output_stride: int = 16) -> Trunk:
    torch.manual_seed(0)
    return build_trunk(f"timm/{name}", output_stride=output_stride)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize("size", [(64, 96), (65, 83)])
def test_sizes_are_rounded_up(name: str, output_stride: int, size: tuple[int, int]) -> None:
    trunk = build(name, output_stride).eval()
    with torch.inference_mode():
        features = trunk.features(torch.randn(2, 3, *size), tuple(trunk.taps))

    assert trunk.channels == trunk.taps[LAST]
    assert {trunk.dense_tap, trunk.aux_tap, *trunk.detail_taps} <= set(trunk.taps)
    for tap, channels in trunk.taps.items():
        named = tap.removeprefix("stride")
        stride = min(output_stride, int(named)) if named.isdigit() else output_stride
        assert features[tap].shape == (2, channels, *(math.ceil(side / stride) for side in size)), tap


@pytest.mark.parametrize("name", NAMES)
def test_each_tap_alone_is_what_it_is_among_others(name: str) -> None:
    trunk = build(name).eval()
    images = torch.randn(1, 3, 65, 83)
    with torch.inference_mode():
        together = trunk.features(images, tuple(trunk.taps))
        for tap in trunk.taps:
            torch.testing.assert_close(trunk.features(images, (tap,))[tap], together[tap], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_frozen_stages_build_no_graph_and_every_weight_that_learns_is_reached(name: str) -> None:
    trunk = build(name).train()
    features = trunk.features(torch.randn(2, 3, 64, 64), trunk.stage_taps)
    torch.stack([planes.square().mean() for planes in features.values()]).sum().backward()
    assert all(weight.grad is not None for weight in trunk.parameters() if weight.requires_grad)

    trunk.freeze(2)
    features = trunk.features(torch.randn(2, 3, 64, 64), trunk.stage_taps)

    assert [planes.requires_grad for planes in features.values()] == [at >= 2 for at in range(len(features))]
    norms = [module for modules in trunk.stages()[:2] for one in modules for module in one.modules()]
    assert not any(module.training for module in norms if isinstance(module, torch.nn.BatchNorm2d))
    trunk.freeze(0)
    assert all(weight.requires_grad for modules in trunk.stages() for one in modules for weight in one.parameters())


def test_batch_norm_can_be_kept_as_it_is() -> None:
    trunk = build("test_resnet")
    trunk.freeze_batch_norm()
    norms = [module for module in trunk.train().modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training or norm.weight.requires_grad for norm in norms)


def test_a_transformer_sees_the_same_at_any_output_stride_in_other_detail() -> None:
    coarse, fine = (build("test_vit", stride).eval() for stride in (32, 8))
    images = torch.randn(1, 3, 64, 64)
    assert coarse(images).shape[2:] == (2, 2)
    assert fine(images).shape[2:] == (8, 8)
    torch.testing.assert_close(coarse.state_dict(), fine.state_dict())


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("no_such_net", {}, "knows no 'no_such_net'"),
        ("resnet_18", {}, "resnet18"),
        ("test_resnet", {"width": 0.5}, "own widths"),
        ("test_resnet", {"dilated": False}, "dilated"),
        ("swin_tiny_patch4_window7_224", {}, "its own, 32"),
        ("maxvit_tiny_rw_224", {"output_stride": 32}, "pictures of any size"),
    ],
)
def test_what_cannot_be_is_said(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build_trunk(f"timm/{name}", **options)


def test_without_timm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ValueError, match=r"napari-wsss\[timm\]"):
        build_trunk("timm/test_resnet")


# -- weights ----------------------------------------------------------------------------------------------


def file_of(folder: Path, name: str, **more: torch.Tensor) -> tuple[Path, dict[str, torch.Tensor]]:
    """Return a file as timm publishes one, classifier included, and what is in it."""
    state = {**timm.create_model(name, num_classes=10).state_dict(), **more}
    save_file(state, folder / "x.safetensors")
    return folder / "x.safetensors", state


@pytest.mark.parametrize("name", NAMES)
def test_timms_own_files_fit(tmp_path: Path, name: str) -> None:
    path, state = file_of(tmp_path, name)
    trunk = build(name)

    found = load_trunk_weights(trunk, path)

    for key, value in trunk.state_dict().items():
        assert torch.equal(value, state[key.removeprefix("network.")]), key
    mean = timm.create_model(name).pretrained_cfg["mean"]
    assert found.normalisation.mean == mean


@pytest.mark.real
def test_a_real_efficientnet_lite_of_another_library_fits(weights_folder: Path) -> None:
    trunk = build("tf_efficientnet_lite0", 32)
    assert load_trunk_weights(trunk, weights_folder / "efficientnet_lite0_imagenet_fp16.safetensors").name == trunk.name


def test_another_networks_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="read in the names of timm/test_convnext"):
        load_trunk_weights(build("test_convnext"), file_of(tmp_path, "test_resnet")[0])


def test_the_input_is_that_of_its_configuration() -> None:
    network = Localizer.build("cam", TrunkChoice("timm/tf_efficientnet_lite0"), class_count=2)
    assert network.normalisation == Normalisation((0.5,) * 3, (0.5,) * 3)


def test_published_weights_that_cannot_be_fetched_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = timm.create_model

    def offline(name: str, pretrained: bool = False, **more: Any) -> Any:
        if pretrained:
            raise RuntimeError("no connection")
        return usual(name, **more)

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(WeightsError, match=r"no connection.*local file"):
        load_trunk_weights(build("test_resnet"), "timm/test_resnet_imagenet")


def test_published_weights_are_taken_from_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, trunk = timm.create_model, build("test_resnet")
    published = usual("test_resnet", num_classes=0)
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained, num_classes: published)
    load_trunk_weights(trunk, "timm/test_resnet_imagenet")
    assert torch.equal(trunk.state_dict()["network.conv1.0.weight"], published.state_dict()["conv1.0.weight"])


# -- methods ----------------------------------------------------------------------------------------------


def images(size: tuple[int, int] = (97, 129)) -> torch.Tensor:
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))


def masks() -> torch.Tensor:
    return torch.randint(0, 4, (2, 97, 129), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["cam", "seam", "deeplab_v2"])
def test_methods_learn_on_it_and_come_back(tmp_path: Path, method: str, name: str) -> None:
    torch.manual_seed(0)
    base: Any = Segmenter if method == "deeplab_v2" else Localizer
    network = base.build(method, TrunkChoice(f"timm/{name}"), class_count=3).train()
    batch: Any = LocalizerBatch(images(), torch.tensor([[1.0, 0, 0], [0, 1, 1]]))
    if method == "deeplab_v2":
        batch = SegmenterBatch(images(), masks(), torch.ones(2, 97, 129))
    optimiser = torch.optim.AdamW([weight for weight in network.parameters() if weight.requires_grad], 1e-3)
    losses = []
    for _ in range(4):
        loss = torch.stack(list(network.loss(batch).values())).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    network.eval().save(tmp_path / "x.safetensors", ClassList("abc"), {})

    found, _, what = base.restore(tmp_path / "x.safetensors", "cpu")

    assert losses[-1] < losses[0]
    assert what.trunk.name == f"timm/{name}"
    with torch.no_grad():
        torch.testing.assert_close(result(found), result(network), atol=1e-5, rtol=1e-3)


def result(network: Any) -> torch.Tensor:
    planes = images((65, 83))
    if isinstance(network, Segmenter):
        return network.segment(planes)
    found: torch.Tensor = network.localize(planes, torch.ones(2, 3, dtype=torch.bool))
    return found


@pytest.mark.parametrize("method", ["pixel_classifier", "deeplab_v3plus"])
def test_heads_that_read_several_taps_stand_on_it(method: str) -> None:
    network = Segmenter.build(method, TrunkChoice("timm/test_convnext"), class_count=2).eval()
    with torch.no_grad():
        assert network.segment(images()).shape == (2, 3, 97, 129)


def test_a_head_that_needs_a_tap_it_does_not_have_says_so() -> None:
    with pytest.raises(StepError, match="stride4"):
        Segmenter.build("deeplab_v3plus", TrunkChoice("timm/test_vit"), class_count=2)


def test_it_is_exported(tmp_path: Path) -> None:
    from training.exporting.files import export_onnx, export_torchscript

    network = Segmenter.build("deeplab_v3", TrunkChoice("timm/test_convnext"), class_count=3).eval()
    assert export_onnx(network, ClassList("abc"), tmp_path / "x.onnx", {}) < 1e-3
    network = Segmenter.build("deeplab_v3", TrunkChoice("timm/test_vit"), class_count=3).eval()
    assert export_torchscript(network, ClassList("abc"), tmp_path / "x.pt", {}) < 1e-3
