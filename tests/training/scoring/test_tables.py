from __future__ import annotations

from pathlib import Path

from training.scoring.tables import aligned, as_text, markdown, write_tables

ROWS = [["class", "iou"], ["cat", "0.5000"], ["background", ""]]


def test_columns_line_up_and_empty_is_shown() -> None:
    lines = aligned(ROWS).splitlines()
    assert lines == ["class          iou", "cat         0.5000", "background       -"]


def test_markdown_has_a_rule_below_the_header() -> None:
    assert markdown(ROWS).splitlines()[1] == "|---|---|"


def test_tables_are_written_as_text_and_csv(tmp_path: Path) -> None:
    write_tables(tmp_path, {"seeds": ROWS, "labels": ROWS[:2]})
    assert (tmp_path / "table.txt").read_text() == as_text({"seeds": ROWS, "labels": ROWS[:2]}) + "\n"
    assert (tmp_path / "table.csv").read_text().splitlines()[:2] == ["seeds,class,iou", "seeds,cat,0.5000"]


def test_no_table_no_file(tmp_path: Path) -> None:
    write_tables(tmp_path, {})
    assert not list(tmp_path.iterdir())
