"""`export-model` as it is typed: both formats, beside the checkpoint or elsewhere, nothing replaced unasked."""

from pathlib import Path

import pytest

from napari_wsss.prediction.predictor import open_predictor
from tests.prediction.networks import CLASSES, build, picture, saved
from training.run import main


def test_a_run_is_exported_beside_its_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(tmp_path, build("deeplab_v3")).rename(tmp_path / "best.safetensors")

    assert main(["export-model", str(tmp_path)]) == 0

    assert "Largest difference from the original" in capsys.readouterr().out
    found = open_predictor(tmp_path / "best.onnx", "cpu", 1, {})
    assert found.classes == CLASSES
    assert found.predict(picture(), None).size == (130, 171)


def test_nothing_is_replaced_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, target = saved(tmp_path, build("deeplab_v3")), tmp_path / "x.pt"
    target.write_text("precious")
    typed = ["export-model", str(model), "--torchscript", "--out", str(target)]
    assert main(typed) == 4
    assert target.read_text() == "precious"
    assert "--overwrite" in capsys.readouterr().err
    assert main([*typed, "--overwrite"]) == 0
    assert target.stat().st_size > 1000


@pytest.mark.parametrize("typed", [["--torchscript", "--opset", "17"], ["--opset", "99"]])
def test_an_opset_that_makes_no_sense_is_refused(
    tmp_path: Path, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export-model", str(saved(tmp_path, build("deeplab_v3"))), *typed]) == 4
    assert "opset" in capsys.readouterr().err
