from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from napari_wsss.affinity.base import AffinityModel
from napari_wsss.core.registry import load_method
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.pipeline.lineage import with_model
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.execute import begin, carry_out
from training.report import EventLines
from training.resolving import resolve_file
from training.run import main


@pytest.fixture
def made(applied_folder: Path, tmp_path: Path, tiny_data: Path) -> Callable[..., int]:
    def make(*more: str) -> int:
        words = ["tables", "--project", str(applied_folder), "--out", str(tmp_path / "o"), "--device", "cpu"]
        words += ["--threads", "1", "--preset", "single", "--precision", "float32", "--limit", "2", "--events"]
        return main([*words, "--truth", str(tiny_data / "SegmentationClass"), *more])

    return make


def last_line(text: str) -> dict:
    return json.loads([line for line in text.splitlines() if line.startswith("{")][-1])


def row(title: str, seed: int, miou: float) -> dict:
    facts = {"title": title, "seed": seed, "method": "seam", "checkpoint": "/gone/last.safetensors"}
    return facts | {"seed_miou": miou, "crf_miou": miou + 0.1}


def test_what_is_there_is_measured_and_the_rest_named(
    made: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made() == 0

    said = last_line(capsys.readouterr().out)
    assert set(said["tables"]) == {"Random walk", "IoU of every class, train", "IoU of every class, val"}
    assert [cells[0] for cells in said["tables"]["Random walk"]] == ["method", "CAM"]
    table = said["tables"]["IoU of every class, train"]
    assert table[0] == ["class", "CAM"]
    assert table[-1][0] == "mean"
    missing = " ".join(each for of_one in said["missing"].values() for each in of_one)
    for words in ("--methods seam --ablation", "--method sub_category", "run affinity", "saliency", "run segmentation"):
        assert words in missing
    assert "2 train images" in said["notes"]["Random walk"][0]
    assert {path.name for path in (tmp_path / "o").iterdir()} == {"measured", "table.txt", "table.csv", "tables.tex"}


def test_an_ablation_is_read_from_the_comparison(
    made: Callable[..., int], applied_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    titles = list(load_method("localize", "seam").ablation)
    (applied_folder / "comparison").mkdir()
    for number, title in enumerate(titles):
        for seed in (0, 1):
            name = f"row-{title}-{seed}.json".replace(" ", "-")
            content = json.dumps(row(title, seed, 0.3 + 0.1 * number + 0.02 * seed))
            (applied_folder / "comparison" / name).write_text(content)

    assert made("--only", "ablation") == 0

    said = last_line(capsys.readouterr().out)
    rows = said["tables"]["Parts of SEAM"]
    assert rows[1] == [titles[0], "", "", "", "31.0", "41.0", ""]
    assert [cells[1:4] for cells in rows[2:]] == [["x", "", ""], ["x", "x", ""], ["x", "x", "x"]]
    assert not said["missing"]["Parts of SEAM"]


def test_the_project_is_only_read(made: Callable[..., int], applied_folder: Path) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        plan = project.plan
    assert made("--only", "classes") == 0
    with Project.open(applied_folder, read_only=True) as project:
        assert project.plan == plan


def test_unknown_tables_are_refused(made: Callable[..., int]) -> None:
    with pytest.raises(SystemExit):
        made("--only", "nothing")


def test_rounds_walk_and_saliency(
    made: Callable[..., int],
    applied_folder: Path,
    tiny_config: Callable[..., RunConfig],
    tiny_data: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = tiny_config("classifier", optimisation={"epochs": 1}).to_dict()
    parameters = {"cluster_count": 2, "rounds": 1}
    config = resolve_file("classifier", {**base, "method": "sub_category", "parameters": parameters})
    with Project.open(applied_folder) as project:
        carry_out(project, config, begin(project, config), EventLines())
        segmentation = tiny_config("segmentation", optimisation={"epochs": 1})
        carry_out(project, segmentation, begin(project, segmentation), EventLines())
        affinity = AffinityModel.build("affinity_net", TrunkChoice("resnet18", width=1 / 16))
        affinity.save(applied_folder / "affinity.safetensors", None, {})
        plan = with_model(project.plan, "affinity", "affinity_net", "affinity.safetensors")
        project.set_plan(replace(plan, saliency_folder=str(tiny_data / "SegmentationClass")))

    assert made("--only", "rounds", "walk", "saliency", "segmentation") == 0

    said = last_line(capsys.readouterr().out)
    assert [cells[0] for cells in said["tables"]["Rounds of SC-CAM"]] == ["round", "SC-CAM, round 0", "SC-CAM, round 1"]
    walked = [cells[0] for cells in said["tables"]["Random walk"][1:]]
    assert walked == ["CAM", "CAM + random walk", "SC-CAM", "SC-CAM + random walk"]
    assert all(0 <= float(cell) <= 100 for cells in said["tables"]["Random walk"][1:] for cell in cells[1:3])
    assert [cells[0] for cells in said["tables"]["Saliency"][1:]] == ["train", "val"]
    assert said["tables"]["Saliency"][1][1] == "2"
    segmented = said["tables"]["IoU of every class by segmentation networks, val"]
    assert segmented[0] == ["class", load_method("segment", "deeplab_v3").title]
    assert (segmented[1][0], segmented[-1][0]) == ("background", "mean")
