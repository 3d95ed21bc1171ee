"""Numbers as people type them: with a point or a comma, in the digits of any script, with or without groups."""

import re
import unicodedata

from napari_wsss.core.errors import ParameterError

MARKS = ".,"
_ARABIC_POINT = "\u066b"
_GROUP_MARKS = re.compile("[\\s'\u2019\u066c]")
_GROUPED = re.compile(r"[+-]?\d{1,3}(([.,])\d{3})(\2\d{3})+")
_COMMA = re.compile(r"\d,\d")


def as_it_looks(text: str) -> str:
    """Return a number as Python writes it: ``0,35`` and ``0.35`` are ``0.35``, ``1.000,5`` and ``1,000.5`` ``1000.5``.

    A single mark is a decimal point, in every locale. Of two kinds the last one is, the other stands between groups.
    What is no number comes back as it is, but for blanks and digits.
    """
    plain = _GROUP_MARKS.sub("", text).replace(_ARABIC_POINT, ".")
    plain = "".join(str(unicodedata.decimal(one, one)) for one in plain)
    last = max(plain.rfind(mark) for mark in MARKS)
    if all(mark in plain for mark in MARKS):
        return re.sub("[.,]", "", plain[:last]) + "." + plain[last + 1 :]
    if _GROUPED.fullmatch(plain):
        return re.sub("[.,]", "", plain)
    return plain.replace(",", ".")


def parts_of_list(text: str) -> list[str]:
    """Return the numbers of a list, each as Python writes it: ``0,5; 1``, ``0.5,1`` and ``0,5 1`` are 0.5 and 1.

    Where decimal points are points, every comma stands between two numbers; else a comma followed by a blank.

    Raises
    ------
    ParameterError
        When a comma can be either, as in ``0,5``.
    """
    parts = [part for part in re.split(r"[;,\s]" if "." in text else r"[;\s]|,(?=\s|$)", text) if part]
    if len(parts) == 1 and ";" not in text and _COMMA.search(text):
        raise ParameterError(f"{text!r} can be read in two ways; write decimal points, or semicolons between numbers.")
    return [as_it_looks(part) for part in parts]
