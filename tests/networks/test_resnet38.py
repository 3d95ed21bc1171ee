"""ResNet-38: published size, the taps the methods read, dropout."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_wsss.networks.resnet38 import LINEAR, ResNet38
from napari_wsss.networks.trunk import LAST

WIDTH = 1 / 16


def tiny(output_stride: int = 8) -> ResNet38:
    torch.manual_seed(0)
    return ResNet38(output_stride=output_stride, width=WIDTH)


def test_published_size_and_taps() -> None:
    with torch.device("meta"):
        trunk = ResNet38(output_stride=8)
    convolutions = [module for module in trunk.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in trunk.modules() if isinstance(module, nn.BatchNorm2d)]

    assert len(convolutions) == 43
    assert len(norms) == 37
    assert all(convolution.bias is None for convolution in convolutions)
    assert [trunk.taps[tap] for tap in ("stride4", *trunk.detail_taps, LAST)] == [256, 512, 1024, 4096]


def test_keys_do_not_depend_on_the_output_stride() -> None:
    assert list(tiny(8).state_dict()) == list(tiny(16).state_dict()) == list(tiny(32).state_dict())


def test_the_last_features_are_the_linear_ones_activated() -> None:
    trunk = tiny().eval()
    with torch.inference_mode():
        found = trunk.features(torch.randn(1, 3, 40, 33), (LAST, LINEAR))

    assert found[LINEAR].min() < 0
    torch.testing.assert_close(found[LAST], found[LINEAR].relu(), rtol=0, atol=0)


def test_the_detail_taps_are_what_stage_five_and_six_read() -> None:
    trunk = tiny().eval()
    read: dict[int, Tensor] = {}
    for number in (5, 6):
        stage = trunk.get_submodule(f"stage{number}")
        stage.register_forward_pre_hook(lambda _, inputs, number=number: read.update({number: inputs[0]}))
    with torch.inference_mode():
        found = trunk.features(torch.randn(1, 3, 40, 33), (*trunk.detail_taps, LAST))

    for tap, number in zip(trunk.detail_taps, (5, 6), strict=True):
        torch.testing.assert_close(found[tap], read[number], rtol=0, atol=0)
        assert found[tap].min() == 0


def test_dropout_is_active_in_training_only() -> None:
    trunk = tiny()
    trunk.freeze_batch_norm()
    images = torch.randn(1, 3, 33, 33)
    with torch.no_grad():
        one, other = trunk.train()(images), trunk(images)
        first, second = trunk.eval()(images), trunk(images)

    assert not torch.equal(one, other)
    assert torch.equal(first, second)
    rates = [module.p for module in trunk.modules() if isinstance(module, nn.Dropout2d)]
    assert rates == [0.3, 0.5]


def test_freezing_two_stages_freezes_what_the_references_freeze() -> None:
    trunk = tiny()
    trunk.freeze(2)
    frozen = {name.partition(".")[0] for name, weight in trunk.named_parameters() if not weight.requires_grad}

    assert frozen == {"stem", "entry2", "stage2", "entry3"}
