"""VGG-16's key layout, sizes and pooling."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from napari_wsss.networks.vgg import DensePool, Vgg16


def test_published_size_and_keys() -> None:
    with torch.device("meta"):
        trunk = Vgg16()
    convolutions = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)

    assert list(trunk.state_dict()) == [f"layers.{i}.{part}" for i in convolutions for part in ("weight", "bias")]
    assert sum(weight.numel() for weight in trunk.parameters()) == 138_357_544 - 123_642_856


def test_a_dense_pool_contains_the_strided_one() -> None:
    x = torch.randn(1, 2, 7, 10)
    dense = DensePool()(x)

    assert dense.shape == x.shape
    torch.testing.assert_close(dense[..., ::2, ::2], F.max_pool2d(x, 2, 2, ceil_mode=True), rtol=0, atol=0)


def test_keys_do_not_depend_on_the_output_stride() -> None:
    assert list(Vgg16(output_stride=8, width=1 / 16).state_dict()) == list(Vgg16(width=1 / 16).state_dict())


def test_centred_pooling_looks_around_and_keeps_sizes_and_keys() -> None:
    trunk = Vgg16(output_stride=8, width=1 / 16)
    keys, images = list(trunk.state_dict()), torch.randn(1, 3, 40, 52)
    before = trunk(images)
    trunk.pool_centred()

    assert list(trunk.state_dict()) == keys
    assert trunk(images).shape == before.shape
    assert not any(isinstance(layer, DensePool) for layer in trunk.layers)


def test_strided_pooling_stays() -> None:
    trunk, images = Vgg16(width=1 / 16), torch.randn(1, 3, 40, 52)
    before = trunk(images)
    trunk.pool_centred()

    torch.testing.assert_close(trunk(images), before, rtol=0, atol=0)
