"""Text written by spreadsheets and other systems: words for splits and for *nothing*, and names in one cell."""

import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path

from napari_wsss.core.classes import BACKGROUND_NAMES
from napari_wsss.core.errors import LabelError
from napari_wsss.core.files import read_regular
from napari_wsss.exchange.encodings import decode

NOTHING_NAMES = BACKGROUND_NAMES | {"none", "-", "nothing", "negative", "negatives", "no finding", "no_finding"}
"""What says *none of the classes*, in lower case."""
EMPTY_NAMES = frozenset({"", "nan", "null", "na", "n/a", "?"})
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}


def read_text(path: Path, encoding: str = "", expected: Collection[str] = ()) -> tuple[str, str]:
    """Return the file's text, and a note when its encoding had to be guessed (all as `encodings.decode` has them).

    Raises
    ------
    LabelError
        When the file is missing, unreadable, not text or not in `encoding`.
    """
    try:
        content = read_regular(path)
    except OSError as reason:
        raise LabelError(f"The label file {path} cannot be read ({reason}).") from reason
    return decode(content, path.name, encoding, expected)


def is_empty(cell: str, known: Sequence[str] = ()) -> bool:
    """Return True for a cell that says nothing; ``NA`` and the like do unless a class has exactly this name."""
    return cell not in known and cell.casefold() in EMPTY_NAMES


def is_nothing(name: str, known: Sequence[str] = ()) -> bool:
    """Return True for a word that means *none of the classes*, unless a class has exactly this name."""
    return name not in known and name.casefold() in NOTHING_NAMES


def in_form(name: str, known: Sequence[str] = ()) -> str:
    """Return the one of the known names that reads the same, else the name in composed characters.

    Systems write an accent as one character with its letter or as one of its own: to a reader that is one name.
    """
    if name.isascii() or name in known:
        return name
    composed = unicodedata.normalize("NFC", name)
    return next((one for one in known if unicodedata.normalize("NFC", one) == composed), composed)


def split_name(word: str) -> str:
    """Return ``train``, ``val`` or ``test`` for the usual words, any other word as it is."""
    word = word.strip()
    return SPLIT_WORDS.get(word.casefold(), word)


def split_names(cell: str, separator: str | None, known: Sequence[str] = ()) -> list[str]:
    """Return the class names in one cell; *nothing* words give an empty list.

    Parameters
    ----------
    separator : str or None
        One character, or None for white space (a cell that is one known name stays whole).
    """
    return [word for word in words_of(cell, separator, known) if not is_nothing(word, known)]


def words_of(cell: str, separator: str | None, known: Sequence[str] = ()) -> list[str]:
    """Return the words in one cell, *nothing* words among them."""
    cell = cell.strip()
    parts = [cell] if cell in known else cell.split(separator)
    return [part.strip() for part in parts if part.strip()]


def find_separator(cells: Sequence[str]) -> str | None:
    """Return what stands between class names in `cells`: ``;``, ``|`` or ``,`` where one occurs, else None (space)."""
    return next((mark for mark in ";|," if any(mark in cell for cell in cells)), None)
