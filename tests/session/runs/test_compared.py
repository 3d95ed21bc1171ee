"""Runs side by side: only what differs, scores first, curves named after their run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from napari_wsss.session.runs.compared import UNTOLD, compare, curves, flat, short_names
from napari_wsss.session.runs.folders import RunInfo


def run(folder: Path, epochs: int, events: list[dict[str, float]], **facts: Any) -> RunInfo:
    folder.mkdir()
    lines = [{"stage": "segmentation", "done": k, "total": 9, "metrics": found} for k, found in enumerate(events)]
    (folder / "events.jsonl").write_text("\n".join(map(json.dumps, lines)))
    config = {"method": "deeplab_v3", "optimisation": {"epochs": epochs, "seed": 0}, "hardware": {"threads": epochs}}
    return RunInfo(folder, "segmentation", "done", config=config, **facts)


def test_the_table_holds_scores_and_what_was_told_differently(tmp_path: Path) -> None:
    first = run(tmp_path / "a", 5, [], figures={"miou": 0.5}, done=100, seconds=60)
    second = run(tmp_path / "b", 20, [], figures={"miou": 0.75, "map": 0.1}, done=100, seconds=60)
    table = compare([first, second])
    assert table.names == ("a", "b")
    assert table.rows == (("miou", ("0.500", "0.750")), ("map", (UNTOLD, "0.100")), ("epochs", ("5", "20")))
    assert table.best == (1, None, None)


def test_runs_that_are_the_same_differ_in_nothing(tmp_path: Path) -> None:
    runs = [run(tmp_path / name, 5, [], figures={"miou": 0.5}) for name in "ab"]
    assert compare(runs).rows == (("miou", ("0.500", "0.500")),)
    assert compare(runs).best == (None,)


def test_curves_show_what_the_runs_have_in_common(tmp_path: Path) -> None:
    first = run(tmp_path / "a", 5, [{"loss": 2.0, "cls": 1.0}, {"miou": 0.5}])
    second = run(tmp_path / "b", 5, [{"loss": 1.0, "er": 1.0}, {"miou": 0.6, "map": 0.1}])
    history = curves([first, second])
    assert {name for _, figures in history for name in figures} == {"a loss", "b loss", "a miou", "b miou"}
    assert (1.0, {"b miou": 0.6}) in history
    assert [step for step, _ in history] == sorted(step for step, _ in history)
    assert {name for _, figures in curves([first, second], ["map"]) for name in figures} == {"b map"}


def test_sections_are_laid_flat_without_the_hardware() -> None:
    assert flat({"method": "cam", "optimisation": {"epochs": 3}, "hardware": {"device": "cpu"}}) == {
        "method": "cam",
        "epochs": 3,
    }


def test_names_fit_a_legend_while_they_tell_runs_apart() -> None:
    assert short_names(["classifier-ab12cd34ef56", "adopted-x", "odd"]) == ["ab12cd", "x", "odd"]
    assert short_names(["classifier-ab12cd34ef56", "classifier-ab12cd34ef56-2"]) == ["ab12cd", "ab12cd-2"]
    same = ["classifier-ab12cd34", "classifier-ab12cd99"]
    assert short_names(same) == same
