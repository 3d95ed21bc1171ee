from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from training.scoring.latex import booktabs, document, escaped

ROWS = [["method", "mIoU"], ["sub_category", "50.9 ± 1"], ["CAM", ""], ["mean", "48.0"]]


def test_what_latex_reads_as_commands_is_escaped() -> None:
    assert escaped("50 % & sub_category") == r"50 \% \& sub\_category"
    assert escaped("±") == r"$\pm$"
    assert escaped("a\\b") == r"a\textbackslash{}b"


def test_a_table_has_its_rules_and_columns() -> None:
    lines = booktabs("Rounds", ROWS, ["Over 2 images."]).splitlines()

    assert r"\begin{tabular}{lr}" in lines
    assert [line for line in lines if line.endswith("rule")] == [r"\toprule", r"\midrule", r"\midrule", r"\bottomrule"]
    assert r"sub\_category & 50.9 $\pm$ 1 \\" in lines
    assert r"CAM & -- \\" in lines
    assert r"\caption{Rounds. Over 2 images.}" in lines


def test_a_document_holds_all_tables() -> None:
    text = document({"A": ROWS, "B": ROWS[:2]}, {"A": ["Note."]})

    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 2
    assert "booktabs" in text.splitlines()[0]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_takes_what_is_written(tmp_path: Path) -> None:
    names = ["a_b & 50%", "x{y}\\z ^ ~", "[bracket] first", "* star first", '$# | <1> "Größe"']
    (tmp_path / "tables.tex").write_text(document({"A": [["method", "mIoU"], *([name, ""] for name in names)]}, {}))
    main = r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{tables.tex}\end{document}"
    (tmp_path / "main.tex").write_text(main)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if "booktabs.sty' not found" in done.stdout:
        pytest.skip("LaTeX lacks booktabs")
    assert done.returncode == 0, done.stdout[-2000:]
