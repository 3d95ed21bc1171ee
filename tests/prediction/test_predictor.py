"""Which file a model is, and what is said of one that is none."""

import builtins
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.core.errors import StepError, WeightsError
from napari_wsss.prediction.predictor import model_file, open_predictor


def test_the_best_checkpoint_of_a_run_is_taken(tmp_path: Path) -> None:
    (tmp_path / "last.safetensors").touch()
    assert model_file(tmp_path).name == "last.safetensors"
    (tmp_path / "best.safetensors").touch()
    assert model_file(tmp_path).name == "best.safetensors"


@pytest.mark.parametrize("name", [".", "missing.onnx"])
def test_what_is_no_model_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError, match="give"):
        model_file(tmp_path / name)


@pytest.mark.parametrize(("name", "package", "extra"), [("x.onnx", "onnxruntime", "onnx"), ("x.pt", "torch", "torch")])
def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str, extra: str
) -> None:
    (tmp_path / name).touch()
    usual = builtins.__import__

    def without(wanted: str, *rest: Any) -> Any:
        if wanted.startswith("napari_wsss.prediction."):
            raise ModuleNotFoundError(name=package)
        return usual(wanted, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(StepError, match=rf"{package}.*\[{extra}\]"):
        open_predictor(tmp_path / name, "cpu", 1, {})
