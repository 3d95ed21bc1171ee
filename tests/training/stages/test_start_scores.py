"""What every step of a recommended start is worth, on a tiny project."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_wsss.pipeline import run as pipeline
from napari_wsss.project.project import Project
from tests.training.stages.test_start import Lines, run_of, words
from training.run import main


def test_steps_are_scored_against_true_masks(
    project_folder: Path, tiny: list[str], tiny_data: Path, capsys: pytest.CaptureFixture[str], lines_of: Lines
) -> None:
    truth = ["--truth", str(tiny_data / "SegmentationClass"), "--split", "train", "--no-proposals"]
    assert main(words(project_folder, tiny, "--first-maps", "0.001", *truth)) == 0
    rows = run_of(project_folder).record["scores"]
    assert [row["step"] for row in rows] == ["First maps", "SEAM", "LPCAM on SEAM"]
    assert all(0 <= row[name] <= 1 for row in rows for name in ("alone", "crf"))
    assert rows[0]["minutes"] < rows[1]["minutes"] < rows[2]["minutes"]
    tables = [line["message"] for line in lines_of(capsys.readouterr().out) if "with CRF" in str(line.get("message"))]
    assert "LPCAM on SEAM" in tables[-1]
    with Project.open_to_read(project_folder) as project:
        assert all(pipeline.proposal(project, one) is None for one in project.catalog.ids(states=("todo",)))
