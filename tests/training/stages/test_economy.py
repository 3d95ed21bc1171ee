from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from training.run import main


def test_rows_are_measured_kept_and_not_measured_again(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.json").write_text(
        json.dumps({"network": {"width": 0.0625}, "optimisation": {"iterations": 3, "batch_size": 64}})
    )
    out = tmp_path / "out"
    arguments = ["economy", "--data", str(tiny_data), "--weights", "none", "--out", str(out), "--events"]
    arguments += ["--policies", "masks", "clicks", "error_clicks", "--images", "2", "3", "--seeds", "1"]
    arguments += ["--config", str(tmp_path / "c.json"), "--threads", "1", "--no-crf", "--click", "2"]
    assert main(arguments) == 0

    with (out / "economy.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["policy"], row["images"]) for row in rows] == [
        *(("clicks", "2"), ("clicks", "3"), ("error_clicks", "2"), ("error_clicks", "3")),
        *(("masks", "2"), ("masks", "3")),
    ]
    assert all(0 <= float(row["val mIoU"]) <= 100 for row in rows)
    assert float(rows[0]["seconds"]) % 2 == 0
    assert float(rows[4]["seconds"]) > float(rows[0]["seconds"])
    assert (out / "economy.png").read_bytes().startswith(b"\x89PNG")

    monkeypatch.setattr("training.stages.economy.Curve._row", lambda *_: pytest.fail("measured twice"))
    assert main(arguments) == 0


def test_features_are_computed_once_for_all_policies(tiny_data: Path, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(
        json.dumps({"network": {"width": 0.0625}, "optimisation": {"iterations": 1, "batch_size": 64}})
    )
    arguments = ["economy", "--data", str(tiny_data), "--weights", "none", "--out", str(tmp_path), "--events"]
    arguments += ["--images", "2", "--config", str(tmp_path / "c.json"), "--threads", "1", "--no-crf"]
    assert main(arguments) == 0
    first, second = (
        sorted(tmp_path.glob(f"{policy}-0/project/results/features.*/*.npz")) for policy in ("masks", "clicks")
    )
    assert len(first) == 3  # two annotated, one scored
    assert {path.stat().st_ino for path in first} <= {path.stat().st_ino for path in second}
