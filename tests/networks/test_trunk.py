"""What holds for every trunk: sizes, taps, output strides, freezing."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from napari_wsss.core.trunk_choice import TRUNKS
from napari_wsss.networks.trunk import GROUP, LAST, Trunk, build_trunk, installed_trunks, scaled

NAMES = (*TRUNKS, *installed_trunks())
TINY = 1 / 16


def _tiny(name: str, output_stride: int = 16) -> Trunk:
    torch.manual_seed(0)
    return build_trunk(name, output_stride=output_stride, width=TINY)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize("size", [(64, 96), (65, 33), (50, 71)])
def test_sizes_are_rounded_up(name: str, output_stride: int, size: tuple[int, int]) -> None:
    trunk = _tiny(name, output_stride).eval()
    with torch.inference_mode():
        features = trunk.features(torch.randn(2, 3, *size), tuple(trunk.taps))

    assert trunk.channels == trunk.taps[LAST]
    for tap, channels in trunk.taps.items():
        named = tap.removeprefix("stride")
        stride = min(output_stride, int(named)) if named.isdigit() else output_stride
        assert features[tap].shape == (2, channels, *(math.ceil(side / stride) for side in size)), tap


@pytest.mark.parametrize("name", NAMES)
def test_forward_is_the_last_tap_and_deterministic(name: str) -> None:
    trunk = _tiny(name).eval()
    images = torch.randn(1, 3, 33, 49)
    with torch.inference_mode():
        once, again = trunk(images), trunk(images)
        tapped = trunk.features(images, (LAST, trunk.dense_tap, trunk.aux_tap))

    torch.testing.assert_close(once, again, rtol=0, atol=0)
    torch.testing.assert_close(tapped[LAST], once, rtol=0, atol=0)
    assert set(tapped) == {LAST, trunk.dense_tap, trunk.aux_tap}


@pytest.mark.parametrize("name", NAMES)
def test_detail_and_linear_features_are_taps(name: str) -> None:
    trunk = _tiny(name)

    assert set(trunk.detail_taps) < set(trunk.taps)
    assert trunk.taps[trunk.linear_tap] == trunk.channels


@pytest.mark.parametrize("name", NAMES)
def test_a_denser_grid_keeps_the_features_of_the_sparse_one(name: str) -> None:
    # The property behind dilation: the same weights at a smaller output stride give the same values at the
    # positions both grids share.
    strides = build_trunk(name, width=TINY).strides
    images = torch.randn(1, 3, 65, 97)
    with torch.inference_mode():
        dense = _tiny(name, strides[0]).eval()(images)
        for stride in strides[1:]:
            step = stride // strides[0]
            sparse = _tiny(name, stride).eval()(images)
            torch.testing.assert_close(dense[..., ::step, ::step], sparse, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_only_the_needed_stages_run(name: str) -> None:
    trunk = _tiny(name).eval()
    calls: list[str] = []
    for tap, modules in zip(trunk.stage_taps, trunk.stages(), strict=True):
        modules[-1].register_forward_hook(lambda *_, tap=tap: calls.append(tap))
    trunk.features(torch.randn(1, 3, 33, 33), ("stride8", "stride4"))

    assert calls == list(trunk.stage_taps[: trunk.stage_taps.index("stride8") + 1])


@pytest.mark.parametrize("name", NAMES)
def test_frozen_stages_do_not_learn_and_build_no_graph(name: str) -> None:
    trunk = _tiny(name).train()
    trunk.freeze(2)
    before = {key: value.clone() for key, value in trunk.state_dict().items()}
    features = trunk.features(torch.randn(2, 3, 33, 33), (trunk.stage_taps[1], LAST))
    features[LAST].square().mean().backward()
    frozen = [weight for modules in trunk.stages()[:2] for m in modules for weight in m.parameters()]
    learning = [weight for modules in trunk.stages()[2:] for m in modules for weight in m.parameters()]

    assert not features[trunk.stage_taps[1]].requires_grad
    assert frozen
    assert all(weight.grad is None for weight in frozen)
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in learning)
    names = {id(value): key for key, value in trunk.named_buffers()}
    statistics = [names[id(b)] for modules in trunk.stages()[:2] for m in modules for b in m.buffers()]
    assert all(torch.equal(trunk.state_dict()[key], before[key]) for key in statistics)
    trunk.freeze(0)
    assert all(weight.requires_grad for weight in trunk.parameters())


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18", "resnet50", "resnet38"])
def test_frozen_batch_norm_survives_train_and_unfreezing(name: str) -> None:
    trunk = _tiny(name)
    for module in trunk.modules():
        if isinstance(module, torch.nn.Dropout2d):
            module.p = 0.0  # compared is training with evaluation
    trunk.freeze_batch_norm()
    trunk.train()
    norms = [module for module in trunk.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    means = [norm.running_mean.clone() for norm in norms]
    images = torch.randn(1, 3, 33, 33)
    in_training = trunk(images).detach()
    trunk.freeze(1)
    trunk.freeze(0)

    assert trunk.training
    assert norms
    assert not any(norm.training or norm.weight.requires_grad or norm.bias.requires_grad for norm in norms)
    assert all(torch.equal(norm.running_mean, mean) for norm, mean in zip(norms, means, strict=True))
    torch.testing.assert_close(trunk.eval()(images), in_training)


@pytest.mark.parametrize("name", NAMES)
def test_images_can_be_asked_for_their_gradient_through_frozen_stages(name: str) -> None:
    trunk = _tiny(name).eval()
    trunk.freeze(len(trunk.stage_taps))
    images = torch.randn(1, 3, 33, 33, requires_grad=True)
    trunk(images).sum().backward()

    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_dilation_can_only_be_left_out_where_published_networks_do() -> None:
    assert not build_trunk("resnet50", width=TINY, dilated=False).dilated
    with pytest.raises(ValueError, match="choose a ResNet"):
        build_trunk("resnet38", width=TINY, dilated=False)


def test_unknown_choices_list_the_known_ones() -> None:
    with pytest.raises(ValueError, match="mobilenet_v2, resnet18"):
        build_trunk("alexnet")
    with pytest.raises(ValueError, match="choose one of: 8, 16"):
        build_trunk("vgg16", output_stride=4)
    with pytest.raises(ValueError, match="above 0"):
        build_trunk("vgg16", width=0)
    trunk = _tiny("resnet18")
    with pytest.raises(ValueError, match="stride16"):
        trunk.features(torch.zeros(1, 3, 32, 32), ("conv5",))
    with pytest.raises(ValueError, match="5 stages"):
        trunk.freeze(6)


@pytest.mark.parametrize(
    ("channels", "width", "expected"), [(64, 1.0, 64), (64, 1 / 16, 4), (96, 0.5, 48), (16, 1 / 16, 4)]
)
def test_scaled_channels(channels: int, width: float, expected: int) -> None:
    assert scaled(channels, width) == expected


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_channels_last_on_the_gpu_agrees_with_the_cpu(name: str) -> None:
    trunk = build_trunk(name, width=0.25).eval()
    images = torch.randn(2, 3, 97, 65)
    with torch.inference_mode():
        expected = trunk(images)
        on_gpu = trunk.to("cuda").to(memory_format=torch.channels_last)(images.to("cuda"))

    assert (on_gpu.cpu() - expected).abs().max() < 1e-2 * expected.abs().max()


class Elsewhere(Trunk):
    """A trunk of another package that calls itself as it likes."""

    def __init__(self, *, output_stride: int = 16, width: float = 1.0) -> None:
        super().__init__("mine", output_stride, width)
        self.stage_taps, self.taps = ("stride16",), {"stride16": 4, LAST: 4}
        self.layer = torch.nn.Conv2d(3, 4, 16, 16)

    def stages(self) -> list[tuple[torch.nn.Module]]:
        return [(self.layer,)]


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Have a package in `folder` that declares one entry point."""
    information = folder / "elsewhere-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[{GROUP}]\n{line}\n")
    monkeypatch.syspath_prepend(str(folder))


def test_an_installed_trunk_is_built_and_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "elsewhere", SimpleNamespace(Elsewhere=Elsewhere))
    install(tmp_path, monkeypatch, "mine = elsewhere:Elsewhere")
    assert "mine" in installed_trunks()
    assert build_trunk("mine")(torch.zeros(1, 3, 32, 48)).shape == (1, 4, 2, 3)
    with pytest.raises(ValueError, match="mine, or an encoder of timm"):
        build_trunk("alexnet")


@pytest.mark.parametrize(
    ("line", "words"),
    [("other = elsewhere:Elsewhere", "calls itself 'mine'"), ("other = no_such_package:X", "cannot be imported")],
)
def test_an_installed_trunk_that_cannot_be_used_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: str
) -> None:
    monkeypatch.setitem(sys.modules, "elsewhere", SimpleNamespace(Elsewhere=Elsewhere))
    install(tmp_path, monkeypatch, line)
    with pytest.raises(ValueError, match=words):
        build_trunk("other")
