"""bfloat16 is taken only where it is faster and gives the same result."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from napari_wsss.networks import precision
from napari_wsss.networks.precision import inference_precision


def result(network: nn.Module, images: Tensor) -> Tensor:
    return torch.sigmoid(network(images))


@pytest.fixture
def faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "bf16_pays", lambda device: True)


@pytest.mark.parametrize("wanted", ["float32", "bfloat16"])
def test_a_named_precision_is_obeyed(wanted: str) -> None:
    assert inference_precision(wanted, nn.Conv2d(3, 2, 3), result) == wanted


def test_auto_is_float32_where_bfloat16_is_not_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "bf16_pays", lambda device: False)

    assert inference_precision("auto", nn.Conv2d(3, 2, 3), result) == "float32"


@pytest.mark.usefixtures("faster")
def test_auto_takes_bfloat16_where_the_result_stays() -> None:
    gentle = nn.Conv2d(3, 2, 3)
    nn.init.constant_(gentle.weight, 0.001)

    assert inference_precision("auto", gentle, result) == "bfloat16"


@pytest.mark.usefixtures("faster")
def test_auto_keeps_float32_where_rounding_shows() -> None:
    steep = nn.Conv2d(3, 2, 3)
    nn.init.normal_(steep.weight, std=100)  # sigmoid turns rounding into other results

    assert inference_precision("auto", steep, result) == "float32"
