from __future__ import annotations

from training.latex import booktabs, document, escaped

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
