from __future__ import annotations

import csv
from pathlib import Path

from tests.training.economy.test_curves import row
from training.economy.curves import curves_of
from training.economy.results import curve_cells, keep_row, read_rows, row_path, write_results


def test_rows_come_back_and_are_told_apart(tmp_path: Path) -> None:
    rows = [row(), row(seed=1, refined=0.7), row(learner=False), row(order="gain"), row("masks", images=20)]
    for one in rows:
        keep_row(tmp_path, one)
    assert len(list(tmp_path.glob("row-*.json"))) == len(rows)
    assert sorted(read_rows(tmp_path), key=repr) == sorted(rows, key=repr)
    assert row_path(tmp_path, "clicks", "random", True, 10, 0).exists()


def test_tables_and_plot_are_written(tmp_path: Path) -> None:
    for images, value in ((10, 0.5), (20, 0.7)):
        keep_row(tmp_path, row(images=images, value=value))
        keep_row(tmp_path, row("masks", images=images, value=value + 0.1))
    text = write_results(tmp_path)
    assert (tmp_path / "economy.md").read_text(encoding="utf-8") == text
    assert "Shares are of 80.0" in text
    with (tmp_path / "curves.csv").open() as file:
        found = {line["policy"]: line for line in csv.DictReader(file)}
    assert found["clicks"]["area, val"] == "60.0"
    assert found["clicks"]["s to 85%"] == "191"  # 68 of 70 percent
    assert found["clicks"]["s to 95%"] == ""
    assert found["masks"]["s to 95%"] == "181"  # 76 of 80
    assert (tmp_path / "economy.png").read_bytes().startswith(b"\x89PNG")
    with (tmp_path / "economy.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4


def test_curves_that_share_no_time_are_not_compared() -> None:
    curves = curves_of([row(images=5), row(images=10), row(order="gain", images=20), row(order="gain", images=30)])
    assert [cells[5:7] for cells in curve_cells(curves)] == [["", ""]] * 2
    assert all(cells[5] for cells in curve_cells(curves[:1]))
