from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.project.project import Project
from napari_wsss.project.sharing import share
from training.run import main

Lines = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def arguments(applied_folder: Path, tiny_data: Path) -> list[str]:
    with Project.open(applied_folder) as project:
        project.set_plan(replace(project.plan, localizer=project.plan.localizer.with_parameters({"preset": "single"})))
    truth = str(tiny_data / "SegmentationClass")
    return ["evaluate", "--project", str(applied_folder), "--truth", truth, "--threads", "1", "--events"]


def _facts(capsys: pytest.CaptureFixture[str], lines_of: Lines) -> dict[str, object]:
    lines = lines_of(capsys.readouterr().out)
    return next(line["scores"] for line in reversed(lines) if "scores" in line)


def test_accepted_true_masks_score_one(
    lines_of: Lines, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--of", "accepted", "--states", "accepted"]) == 0
    facts = _facts(capsys, lines_of)
    assert facts["miou"] == 1.0
    assert facts["absent_classes"] == "classes that occur in the true masks"


def test_seeds_are_computed_swept_and_written(
    lines_of: Lines, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--of", "seeds", "--split", "val", "--out", str(tmp_path)]) == 0
    facts = _facts(capsys, lines_of)
    assert {**facts, "left_out": {}} == json.loads((tmp_path / "scores.json").read_text())
    assert 0 < facts["best_threshold"] < 1
    assert facts["equivalent_alpha"] > 0
    table = (tmp_path / "table.txt").read_text()
    assert "precision" in table
    assert "threshold" in table


def test_pseudo_and_refined_agree_on_the_same_plan(
    lines_of: Lines, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--of", "pseudo", "--split", "val"]) == 0
    pseudo = _facts(capsys, lines_of)
    assert main([*arguments, "--of", "refined", "--split", "val"]) == 0
    refined = _facts(capsys, lines_of)
    assert pseudo["miou"] <= refined["miou"] + 1e-6  # the sweep holds the plan's own threshold, or a better one


def test_only_the_named_classes_count(
    lines_of: Lines, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(Path(arguments[2]), read_only=True) as project:
        name, other = project.classes.names[:2]
    assert main([*arguments, "--of", "pseudo", "--classes", name]) == 0
    text = "\n".join(str(line["message"]) for line in lines_of(capsys.readouterr().out))
    assert name in text
    assert "background" in text
    assert other not in text
    assert main([*arguments, "--of", "pseudo", "--classes", "unicorn"]) == 4


def test_saliency_is_scored_and_written_and_a_folder_of_it_goes_first(
    tiny: list[str],
    lines_of: Lines,
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*arguments, "--of", "saliency"]) == 4
    assert "saliency map" in capsys.readouterr().err
    options = [*tiny, "--crop", "64", "--iterations", "1", "--stages", "1", "--trunk", "resnet18"]
    assert main(["saliency", "--project", arguments[2], "--apply", "--events", *options]) == 0
    capsys.readouterr()

    assert main([*arguments, "--of", "saliency", "--split", "val", "--write", str(tmp_path / "maps")]) == 0
    by_model = _facts(capsys, lines_of)
    assert {"adaptive_f", "mean_absolute_error", "e_measure"} <= set(by_model)
    with Project.open(Path(arguments[2])) as project:
        for image_id in project.catalog.ids(split="val"):
            assert (tmp_path / "maps" / Path(image_id).with_suffix(".png")).is_file()
        project.set_plan(replace(project.plan, saliency_folder=str(tmp_path / "maps"), saliency_checkpoint=""))
    assert main([*arguments, "--of", "saliency", "--split", "val", "--out", str(tmp_path / "out")]) == 0
    from_folder = _facts(capsys, lines_of)
    assert from_folder["mean_absolute_error"] == pytest.approx(by_model["mean_absolute_error"], abs=0.01)
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == {**from_folder, "left_out": {}}
    assert "edges" in (tmp_path / "out" / "table.txt").read_text()


def test_what_is_missing_is_asked_for(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    without_truth = [*arguments[:3], *arguments[5:]]

    assert main([*without_truth, "--of", "pseudo"]) == 4
    assert "--truth" in capsys.readouterr().err
    assert main([*without_truth, "--of", "saliency"]) == 4
    assert "--write" in capsys.readouterr().err


def test_a_trained_segmenter_is_scored(
    tiny: list[str], lines_of: Lines, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--of", "segmenter"]) == 4
    assert "No segmentation network" in capsys.readouterr().err
    project = arguments[2]
    assert main(["segmentation", "--project", project, "--apply", "--events", *tiny, "--iterations", "1"]) == 0
    assert main([*arguments, "--of", "segmenter", "--split", "val"]) == 0
    free = _facts(capsys, lines_of)
    assert main([*arguments, "--of", "segmenter", "--split", "val", "--labels-given"]) == 0
    assert _facts(capsys, lines_of)["pixel_accuracy"] >= free["pixel_accuracy"] - 0.2


@pytest.mark.parametrize("of", ["seeds", "pseudo"])
def test_any_number_of_workers_finds_the_same(
    of: str,
    lines_of: Lines,
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also of images that are left out: the true mask of one is damaged."""
    folder, truth, out = Path(arguments[2]), tmp_path / "truth", tmp_path / "out"
    shutil.copytree(arguments[4], truth)
    next(iter(sorted(truth.glob("*.png")))).write_bytes(b"nothing")
    typed = [*arguments[:4], str(truth), *arguments[5:], "--of", of, "--out", str(out)]

    def made() -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Return what is stored and what is written; take both away."""
        found = [
            {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}
            for place in (folder / "results", out)
        ]
        with Project.open(folder) as project:
            project.store.clear()
        shutil.rmtree(out)
        capsys.readouterr()
        return found[0], found[1]

    assert main(typed) == 0
    alone = made()
    assert main([*typed, "--workers", "2"]) == 0
    by_workers = made()
    monkeypatch.setattr(share, "BLOCK", 2)  # or one part has all of so few
    parts = ["--parts", str(tmp_path / "parts")]
    for part in ("2/3", "1/3", "3/3"):
        assert main([*typed, *parts, "--shard", part]) == 0
        assert not out.exists()
    assert main([*typed, *parts]) == 0
    by_jobs = made()

    assert len(alone[0]) >= 7
    assert len(json.loads(alone[1]["scores.json"])["left_out"]) == 1
    assert alone == by_workers == by_jobs


def test_one_part_alone_has_no_figures(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--of", "pseudo", "--shard", "1/2"]) == 4
    assert "--parts" in capsys.readouterr().err
    assert main([*arguments, "--of", "saliency", "--workers", "2"]) == 4
    assert "one process" in capsys.readouterr().err
