"""Text written by spreadsheets and other systems: encodings, class lists, and words for splits and for *nothing*."""

from collections.abc import Sequence
from pathlib import Path

from napari_wsss.core.errors import LabelError
from napari_wsss.core.files import read_regular

CLASS_LIST = "classes.txt"
BACKGROUND_NAMES = frozenset({"background", "_background_", "__background__", "bg"})
NOT_CLASSES = frozenset({"__ignore__", "_ignore_", "ignore", "void"})
NOTHING_NAMES = BACKGROUND_NAMES | {"none", "-"}
EMPTY_NAMES = frozenset({"", "nan", "null", "na", "n/a", "?"})
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}


def read_text(path: Path) -> tuple[str, str]:
    """Return the file's text, and a note when its encoding had to be guessed.

    UTF-8 with or without mark, UTF-16 with mark, else Windows-1252 as old spreadsheets write it.

    Raises
    ------
    LabelError
        When the file is missing, unreadable or not text.
    """
    try:
        content = read_regular(path)
    except OSError as reason:
        raise LabelError(f"The label file {path} cannot be read ({reason}).") from reason
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(content, "utf-16", path), ""
    if b"\0" in content:
        raise LabelError(f"The label file {path} is not text; export it as CSV (a spreadsheet's own format is not).")
    try:
        return content.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), f"{path.name} is not UTF-8; read as Windows-1252"


def _decoded(content: bytes, encoding: str, path: Path) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as reason:
        raise LabelError(f"The label file {path} is damaged ({reason}); save it again as UTF-8.") from reason


def read_class_list(folders: Sequence[Path]) -> tuple[str, ...]:
    """Return the foreground names of the first ``classes.txt`` in `folders`, one per line; empty where there is none.

    A first line such as ``background`` (and labelme's ``__ignore__``) is not a class.
    """
    for folder in folders:
        path = folder / CLASS_LIST
        if path.is_file():
            names = [line.strip() for line in read_text(path)[0].splitlines()]
            return tuple(dict.fromkeys(n for n in names if n and n.casefold() not in BACKGROUND_NAMES | NOT_CLASSES))
    return ()


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
    cell = cell.strip()
    parts = [cell] if cell in known else cell.split(separator)
    names = (part.strip() for part in parts)
    return [name for name in names if name and name.casefold() not in NOTHING_NAMES]


def find_separator(cells: Sequence[str]) -> str | None:
    """Return what stands between class names in `cells`: ``;``, ``|`` or ``,`` where one occurs, else None (space)."""
    return next((mark for mark in ";|," if any(mark in cell for cell in cells)), None)
