from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from napari_wsss.core.registry import load_method
from napari_wsss.project.project import Project
from training.run import main

TINY = {
    "all": {
        "network": {"trunk": "resnet18", "width": 0.0625},
        "optimisation": {"batch_size": 2, "warm_up": 0},
        "augmentation": {"crop": 48},
        "hardware": {"precision": "float32"},
    }
}

pytest.importorskip("pydensecrf", reason="the comparison measures the CRF, which is not installed")


def arguments(tmp_path: Path, *more: str) -> list[str]:
    (tmp_path / "c.json").write_text(json.dumps(TINY))
    words = ["compare", "--project", str(tmp_path / "p"), "--out", str(tmp_path / "o"), "--trunk-weights", "none"]
    words += ["--config", str(tmp_path / "c.json"), "--epochs", "1", "--threads", "1", "--events", "--preset", "single"]
    return [*words, *more]


def rows_of(folder: Path, out: str = "o") -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text()) for path in (folder / out).glob("row-*.json")}


def test_each_method_is_trained_once_per_seed_and_not_again(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = arguments(tmp_path, "--data", str(tiny_data), "--methods", "cam", "--seeds", "0", "1", "--sheet", "2")
    assert main(typed) == 0

    rows = rows_of(tmp_path)
    assert set(rows) == {"row-CAM-seed0", "row-CAM-seed1"}
    assert all(0 < row["seed_miou"] < 1 and 0 < row["crf_miou"] < 1 for row in rows.values())
    assert rows["row-CAM-seed0"]["checkpoint"] != rows["row-CAM-seed1"]["checkpoint"]
    lines = (tmp_path / "o" / "comparison.md").read_text().splitlines()
    assert sum(line.startswith("| CAM") for line in lines) == 1
    with Image.open(tmp_path / "o" / "contact_sheet.png") as sheet:
        assert sheet.width > 3 * 240  # image, truth, CAM
    monkeypatch.setattr("training.execute.carry_out", lambda *_: pytest.fail("trained twice"))
    assert main(typed) == 0


def test_the_project_stays_as_it_is(applied_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(applied_folder, tmp_path / "p")
    with Project.open(tmp_path / "p", read_only=True) as project:
        plan, states = project.plan, [record.state for record in project.catalog.records()]

    typed = arguments(tmp_path, "--sheet", "0")
    where = typed.index("--out")
    assert main([*typed[:where], *typed[where + 2 :]]) == 0

    with Project.open(tmp_path / "p", read_only=True) as project:
        assert project.plan == plan
        assert [record.state for record in project.catalog.records()] == states
    # Without a folder of true masks the two accepted train masks are the truth.
    assert [row["images"] for row in rows_of(tmp_path / "p", "comparison").values()] == [2]


def test_an_ablation_needs_a_method_that_has_one(tiny_data: Path, tmp_path: Path) -> None:
    assert main(arguments(tmp_path, "--data", str(tiny_data), "--ablation")) == 4


def test_unknown_methods_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments(tmp_path, "--methods", "cam,camm"))

    assert "camm" in capsys.readouterr().err


def test_each_round_gets_a_row(tiny_data: Path, tmp_path: Path) -> None:
    typed = arguments(tmp_path, "--data", str(tiny_data), "--methods", "sub_category", "--every-round", "--sheet", "0")
    config = TINY | {"sub_category": {"parameters": {"rounds": 1, "cluster_count": 2}}}
    (tmp_path / "c.json").write_text(json.dumps(config))

    assert main(typed) == 0

    assert {row["title"] for row in rows_of(tmp_path).values()} == {"SC-CAM, round 0", "SC-CAM, round 1"}


def test_an_ablation_has_one_row_per_variant(tiny_data: Path, tmp_path: Path) -> None:
    typed = arguments(tmp_path, "--data", str(tiny_data), "--methods", "seam", "--ablation", "--sheet", "0")

    assert main(typed) == 0

    titles = {row["title"] for row in rows_of(tmp_path).values()}
    assert titles == set(load_method("localize", "seam").ablation)
