"""The stage counts clicks on held-out things with both engines, keeps what it counted and refuses what it cannot."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from napari_wsss.project.project import Project
from tests.promptable.tiny_pair import write_pair
from training.run import main


@pytest.fixture
def words(tiny_data: Path, project_folder: Path, tmp_path: Path) -> list[str]:
    truth = tiny_data / "SegmentationClass"
    return ["clicks", "--project", str(project_folder), "--truth", str(truth), "--out", str(tmp_path / "out")]


def test_from_nothing_with_both_engines_and_once_only(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, decoder = write_pair(tmp_path)
    pair = ["--encoder", str(encoder), "--decoder", str(decoder)]
    chosen = [*words, *pair, "--engines", "colour", "segmenter", "--starts", "nothing", "--per-image", "2"]
    assert main(chosen) == 0
    with (tmp_path / "out" / "clicks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["engine"], row["from"]) for row in rows] == [("colour", "nothing"), ("segmenter", "nothing")]
    assert all(0 < float(row["NoC80"]) <= float(row["NoC90"]) <= 20 for row in rows)
    assert rows[0]["objects"] == rows[1]["objects"]
    monkeypatch.setattr("training.stages.clicks.overlaps", lambda *_, **__: pytest.fail("counted twice"))
    assert main(chosen) == 0
    assert main([*chosen, "--least", "0.5"]) == 4  # would stand in the same table


def test_what_is_missing_is_said(words: list[str], capsys: pytest.CaptureFixture[str], project_folder: Path) -> None:
    assert main([*words, "--engines", "segmenter"]) == 4
    assert "--encoder" in capsys.readouterr().err
    assert main([*words, "--classes", "unicorn"]) == 4
    assert "no class unicorn" in capsys.readouterr().err
    assert main([*words, "--starts", "proposals"]) == 4
    assert "no proposal" in capsys.readouterr().err
    with Project.open_to_read(project_folder) as project:
        assert not project.plan.segmenter_checkpoint
