from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.run import main

TINY_SECTIONS = {
    recipe: {
        "network": {"trunk": "resnet18", "width": 0.0625},
        "optimisation": {"batch_size": 2, "warm_up": 0},
        "augmentation": {"crop": 48},
        "hardware": {"precision": "float32"},
    }
    for recipe in ("classifier", "segmentation")
}


def test_every_row_is_measured_kept_and_not_measured_again(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pydensecrf", reason="the benchmark measures the CRF, which is not installed")
    (tmp_path / "c.json").write_text(json.dumps(TINY_SECTIONS))
    arguments = ["benchmark", "--data", str(tiny_data), "--weights", "none", "--out", str(tmp_path / "b"), "--events"]
    arguments += ["--epochs", "1", "--iterations", "1", "--alphas", "2", "4", "--accepted", "0", "2"]
    arguments += ["--config", str(tmp_path / "c.json"), "--threads", "1"]
    assert main(arguments) == 0
    names = {path.stem for path in (tmp_path / "b").glob("row-*.json")}
    retrained = {f"row-{kind}-{count}" for kind in ("deeplab", "proposals") for count in (0, 2)}
    assert names == {"row-seeds", "row-crf-2", "row-crf-4", "row-pseudo"} | retrained
    row = json.loads((tmp_path / "b" / "row-deeplab-2.json").read_text())
    assert 0 <= row["val"] <= row["val_labels_given"] + 0.2
    table = (tmp_path / "b" / "benchmark.md").read_text()
    assert len([line for line in table.splitlines() if line.startswith("|")]) == 10
    monkeypatch.setattr("training.stages.loop_benchmark.Bench.seeds", lambda self: pytest.fail("measured twice"))
    assert main(arguments) == 0
