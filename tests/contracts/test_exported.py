"""Every segmenter and localizer can be written as ONNX and as TorchScript, or says why not."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from napari_wsss.core.errors import StepError
from napari_wsss.core.registry import load_method, method_names
from napari_wsss.core.trunk_choice import TRUNKS, TrunkChoice
from tests.prediction.networks import CLASSES, build
from training.exporting.files import export_onnx, export_torchscript

METHODS = [(shelf, method) for shelf in ("segment", "localize") for method in method_names(shelf)]


def settle(network: Any) -> None:
    """Have batch norm know the features of random weights, which grow from layer to layer without it."""
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            nn.init.constant_(module.weight, 0.1 if name.endswith("bn3") else 1.0)  # the end of a residual branch
    with torch.no_grad():
        network.train().segment(torch.randn(2, 3, 96, 96))
    network.eval()


@pytest.mark.parametrize("export", [export_onnx, export_torchscript])
@pytest.mark.parametrize(("shelf", "method"), METHODS)
def test_it_is_written_and_does_the_same_or_says_why_not(tmp_path: Path, shelf: Any, method: str, export: Any) -> None:
    path = tmp_path / "x"
    if load_method(shelf, method).not_exportable:
        with pytest.raises(StepError, match="cannot be exported"):
            export(build(method, shelf), CLASSES, path, {})
    else:
        assert export(build(method, shelf), CLASSES, path, {}) < 1e-3
        assert path.stat().st_size > 0


@pytest.mark.parametrize("trunk", TRUNKS)
def test_it_is_written_on_every_trunk(tmp_path: Path, trunk: str) -> None:
    network = build("deeplab_v3", trunk=TrunkChoice(trunk, width=1 / 16))
    settle(network)
    assert export_onnx(network, CLASSES, tmp_path / "x", {}) < 1e-3
