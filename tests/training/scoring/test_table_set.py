from __future__ import annotations

from pathlib import Path

from training.scoring.table_set import TableSet

ROWS = [["method", "mIoU"], ["CAM", "48.0"]]


def test_tables_are_shown_and_written_with_their_notes(tmp_path: Path) -> None:
    found = TableSet()
    found.put("Seeds", ROWS, "", "Over 3 images.")
    found.put("Rounds", ROWS[:1], "Over 3 images.", missing=["Not trained yet: do this.", ""])

    found.write(tmp_path / "out")

    assert found.as_text().splitlines() == [
        *("Seeds", "method  mIoU", "CAM     48.0", "Over 3 images."),
        *("", "Rounds", "Not trained yet: do this."),
    ]
    assert (tmp_path / "out" / "table.csv").read_text().splitlines() == ["Seeds,method,mIoU", "Seeds,CAM,48.0"]
    assert (tmp_path / "out" / "table.txt").read_text() == found.as_text() + "\n"
    latex = (tmp_path / "out" / "tables.tex").read_text()
    assert latex.count(r"\begin{table}") == 1
    assert "% Rounds: Not trained yet: do this." in latex.splitlines()
