"""Counts lines of Python that are code: no blank ones, comments or docstrings.

``git ls-files "napari_wsss/*.py" "training/*.py" | python -m tests.benchmarks.lines [FOLDER]`` (of another checkout).
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(source: str) -> int:
    """Return how many lines of a module hold code."""
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            held.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            held -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(held)


def main() -> None:
    """Print the sum over the files named on standard input."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    names = sys.stdin.read().split()
    count = sum(code_lines((root / name).read_text(encoding="utf-8")) for name in names)
    sys.stdout.write(f"{count}\n")


if __name__ == "__main__":
    main()
