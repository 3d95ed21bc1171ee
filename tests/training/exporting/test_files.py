"""Files are written only when they do what the network does, and say of themselves what is needed to use them."""

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
import torch.nn.functional as F

from napari_wsss.core.errors import StepError
from napari_wsss.prediction.description import KEY, Description
from tests.prediction.networks import CLASSES, build, picture
from training.exporting.files import OPSETS, export_onnx, export_torchscript


def test_an_onnx_file_describes_itself(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"

    difference = export_onnx(build("deeplab_v3"), CLASSES, path, {"checkpoint": "best"}, 18)

    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    what = Description.from_dict(json.loads({one.key: one.value for one in model.metadata_props}[KEY]))
    assert (what.classes, what.facts) == (CLASSES, {"checkpoint": "best"})
    assert 0 <= difference < 1e-5
    assert [one.version for one in model.opset_import if not one.domain] == [18]


def test_a_torchscript_file_describes_itself(tmp_path: Path) -> None:
    path, extra = tmp_path / "x.pt", {f"{KEY}.json": ""}

    assert export_torchscript(build("cam", "localize"), CLASSES, path, {}) < 1e-5

    network = torch.jit.load(str(path), _extra_files=extra)
    maps, logits = network(torch.from_numpy(picture())[None], torch.ones(1, 3, dtype=torch.bool))
    what = Description.from_dict(json.loads(extra[f"{KEY}.json"]))
    assert maps.shape == (1, 3, -(-130 // what.stride), -(-171 // what.stride))
    assert logits.shape == (1, 3)


@pytest.mark.parametrize("opset", [OPSETS[0] - 1, OPSETS[-1] + 1])
def test_an_unknown_opset_is_refused(tmp_path: Path, opset: int) -> None:
    with pytest.raises(StepError, match=str(opset)):
        export_onnx(build("deeplab_v3"), CLASSES, tmp_path / "x.onnx", {}, opset)


def fixed_size(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return probabilities that are right at the size that is traced alone."""
    height, width = (int(side) for side in images.shape[2:])
    share = F.interpolate(images.mean(1, keepdim=True), (height, width)).sigmoid()
    return torch.cat([1 - share, share / 3, share / 3, share / 3], 1)


def random_result(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return other probabilities at every call."""
    return torch.rand_like(images[:, :1]).repeat(1, 4, 1, 1).softmax(1) * torch.rand(1)


def no_number(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return probabilities that are none."""
    return random_result(images, labels) * float("nan")


@pytest.mark.parametrize("wrong", [fixed_size, random_result, no_number])
@pytest.mark.parametrize("export", [export_onnx, export_torchscript])
def test_a_file_that_does_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, export: Any, wrong: Any
) -> None:
    network = build("deeplab_v3")
    monkeypatch.setattr(network, "segment_among", wrong)
    with pytest.raises(StepError, match="does not do what the original does"):
        export(network, CLASSES, tmp_path / "x", {})
    assert not list(tmp_path.iterdir())
