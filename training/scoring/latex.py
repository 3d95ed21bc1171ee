"""Tables as LaTeX for a paper: `booktabs` rules, special characters escaped, figures set to the right."""

from collections.abc import Mapping, Sequence

Rows = Sequence[Sequence[str]]
_ESCAPED = {
    "\\": r"\textbackslash{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": "$<$",
    ">": "$>$",
    "|": r"\textbar{}",
    "[": "{[}",  # as the first letter of a row it would belong to the line break before, like the star
    "*": "{*}",
}
_HEAD = "% \\usepackage{booktabs}; names beyond Latin letters want XeLaTeX or LuaLaTeX"


def escaped(text: str) -> str:
    """Return text as LaTeX shows it unchanged."""
    return "".join(_ESCAPED.get(letter, letter) for letter in text)


def booktabs(caption: str, rows: Rows, notes: Sequence[str] = ()) -> str:
    """Return one ``table`` environment.

    Parameters
    ----------
    caption : str
    rows : sequence of sequences of str
        Header first; all of one length. Empty cells become dashes. A row whose first cell begins with ``mean`` is set
        off by a rule.
    notes : sequence of str
        Sentences added to the caption.
    """
    header, *body = rows
    lines = [_line(header), r"\midrule"]
    for row in body:
        if row[0].startswith("mean"):
            lines.append(r"\midrule")
        lines.append(_line(row))
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escaped(' '.join([caption + '.', *notes]))}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
            r"\toprule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def document(tables: Mapping[str, Rows], notes: Mapping[str, Sequence[str]], comments: Sequence[str] = ()) -> str:
    """Return all tables, to be read by a document that loads ``booktabs``; comments are not printed.

    Letters beyond Latin stay as they are: pdfLaTeX refuses them, XeLaTeX and LuaLaTeX with a font that has them do not.
    """
    parts = [booktabs(name, rows, notes.get(name, ())) for name, rows in tables.items()]
    said = ["\n".join(f"% {' '.join(comment.split())}" for comment in comments)] if comments else []
    return "\n\n".join([_HEAD, *said, *parts]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return " & ".join(escaped(cell) if cell else "--" for cell in cells) + r" \\"
