"""Text of label files in whatever encoding it was saved: said where it had to be guessed, or chosen by a person.

Names of images and classes that are known tell it: the encoding is that in which they stand in the text. Without any,
the bytes have to: `chardet` knows how often they follow one another in the languages of an encoding, and of what it
thinks possible that counts in which words are words, letters of one script. Tables are short, so it is a guess.
"""

import codecs
import re
import unicodedata
from collections.abc import Collection
from itertools import groupby, islice

from napari_wsss.core.errors import LabelError

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before that of UTF-16, with which it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SURE = 0.8
"""Share of usual characters."""
_FIRST_LEVEL = (0xB0, 0xD8)
"""Lead bytes of the 3,755 usual characters of GB 2312; pairs of Western letters begin beyond them."""
ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "gb18030": "Chinese (GB18030)",
    "big5": "Chinese (Big5)",
    "cp932": "Japanese (Shift JIS)",
    "euc_jp": "Japanese (EUC-JP)",
    "cp949": "Korean (EUC-KR)",
    "cp1251": "Cyrillic (Windows-1251)",
    "koi8-r": "Cyrillic (KOI8-R)",
    "cp866": "Cyrillic (DOS)",
    "cp1250": "Central European (Windows-1250)",
    "cp1252": "Western (Windows-1252)",
    "mac-roman": "Western (Mac)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "cp874": "Thai (Windows-874)",
}
"""Encodings that a list offers, as Python names them -> what a person reads; any other one may be typed."""
_ONE_BY_ONE = tuple(one for one in ENCODINGS if one != "utf-16")
"""Those of texts without a mark."""
_RARE = ("cp850", "cp852", "cp857", "cp1257", "cp1258", "iso8859-5", "koi8-u", "mac-cyrillic", "mac-latin2")
"""Found where a name that is known stands in the text in them, not guessed and not offered."""
_OF_CHARDET = {"big5hkscs": "big5"} | {one: one for one in _ONE_BY_ONE if one not in ("utf-8-sig", "big5", "euc_jp")}
"""What `chardet` calls those it may choose from; EUC-JP is none, as its kana are the most usual characters of Big5."""
_HIGH = re.compile(rb"[\x80-\xff]")
_CELL = re.compile(r"[,;|\t\r\n\"/\\]+")
_FOREIGN_CELL = re.compile(rb"[^,;|\t\r\n\"]*[\x80-\xff][^,;|\t\r\n\"]*")
_MORE_USUAL = 1.1
"""What is thought of Western is multiplied by this: single words of it (forêt, niño) are nearly as likely as others."""
_CELLS = 500
"""How many of them are looked at."""
_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "FULLWIDTH")
_FEW = 2
"""Characters beyond ASCII that UTF-8 holds by chance."""
_LONGEST_SHOWN = 20
_SAMPLE = 2**18
"""Bytes of a text in which names are looked for."""


def decode(content: bytes, name: str, encoding: str = "", expected: Collection[str] = ()) -> tuple[str, str]:
    """Return the text of a file's bytes, and a note where its encoding had to be guessed.

    Parameters
    ----------
    content : bytes
    name : str
        The file in messages.
    encoding : str
        As Python names it (``gb18030``, ``cp1251``); "" finds it out: UTF-16 and UTF-32, else that in which most of the
        expected names stand, else UTF-8 with or without mark, else what the bytes look like.
    expected : collection of str
        Names of images and classes that the text may hold.

    Raises
    ------
    LabelError
        When it is not text, not in this encoding, or the encoding is unknown.
    """
    if encoding:
        return _chosen(content, name, encoding), ""
    if wide := _wide(content):
        return _chosen(content, name, wide), ""
    if b"\0" in content:
        raise LabelError(f"The label file {name} is not text; export it as CSV (a spreadsheet's own format is not).")
    found, held = _found(content, expected)
    return content.decode(found, errors="replace"), _note(content, name, found, held)


def found_encoding(content: bytes, expected: Collection[str] = ()) -> str:
    """Return the encoding that `decode` finds out, as Python names it; "" of what is not text."""
    if wide := _wide(content):
        return wide
    if b"\0" in content:
        return ""
    return _found(content, expected)[0]


def _wide(content: bytes) -> str:
    """Return the encoding of text in characters of two or four bytes, "" of other bytes.

    Without a mark it is UTF-16 where every second byte may be 0 and no other one is, as in line ends and commas.
    """
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return encoding
    halves = {"utf-16-le": content[::2], "utf-16-be": content[1::2]}
    for encoding, half in halves.items():
        if b"\0" in content and b"\0" not in half and _is_in(content, encoding):
            text = content[: 2 * _SAMPLE].decode(encoding, errors="ignore")
            return encoding if all(one.isprintable() or one.isspace() for one in text) else ""
    return ""


def _found(content: bytes, expected: Collection[str]) -> tuple[str, int]:
    """Return the encoding of a text, and how many of the expected names beyond ASCII told it."""
    likeliest = "utf-8-sig" if _is_in(content, "utf-8-sig") else _guess(content)
    foreign = {unicodedata.normalize("NFC", name) for name in expected if not name.isascii()}
    if not foreign or not _HIGH.search(content):
        return likeliest, 0
    sample = content if len(content) <= _SAMPLE else content[: content.rfind(b"\n", 0, _SAMPLE) + 1]
    held = {}
    for encoding in dict.fromkeys((likeliest, *_ONE_BY_ONE, *_RARE)):  # of equals the likeliest, as the first of them
        if _is_in(content, encoding):
            held[encoding] = len(foreign & _words(sample.decode(encoding)))
        if encoding == "utf-8-sig" and held.get(encoding):
            break
    best = max(held, key=lambda one: held[one], default=likeliest)
    return (best, held[best]) if held.get(best) else (likeliest, 0)


def _note(content: bytes, name: str, found: str, held: int) -> str:
    """Return what a person is told of an encoding that was found out, "" where nothing speaks against UTF-8."""
    if found == "utf-8-sig" and (held or not _is_utf_8_by_chance(content)):
        return ""
    told = f"{name} is {'' if _is_in(content, 'utf-8-sig') else 'not UTF-8; '}read as {ENCODINGS.get(found, found)}"
    if held:
        return f"{told}, in which {held} names of images or classes stand in it"
    readings = _readings(content)
    other = {word: encoding for encoding, word in reversed(readings.items()) if word != readings.get(found)}
    offered = "; ".join(f"{word} in {ENCODINGS[encoding]}" for word, encoding in reversed(other.items()))
    return f"{told} (if names look wrong, choose its encoding{': ' + offered if offered else ''})"


def _words(text: str) -> set[str]:
    """Return what stands between the marks of tables, lists and paths, with and without a suffix."""
    cells = {unicodedata.normalize("NFC", cell.strip()) for cell in _CELL.split(text)}
    words = {word for cell in cells for word in cell.split()}
    return cells | words | {one.rpartition(".")[0] for one in cells | words}


def _readings(content: bytes) -> dict[str, str]:
    """Return the first words beyond ASCII in each encoding in which they are words."""
    first = _FOREIGN_CELL.search(content)
    found = {}
    for encoding in _ONE_BY_ONE:
        if first is None or not _is_in(content, encoding) or not _is_in(first[0], encoding):
            continue
        word = first[0].decode(encoding).strip().removeprefix("\ufeff")
        if _is_of_words(word):
            found[encoding] = word[:_LONGEST_SHOWN]
    return found


def _is_utf_8_by_chance(content: bytes) -> bool:
    """Return True where so few characters are beyond ASCII that they may as well be usual Chinese ones (猫 is è)."""
    few = len({one for one in content.decode("utf-8-sig") if ord(one) >= 0x80}) <= _FEW
    return few and not content.startswith(codecs.BOM_UTF8) and _is_chinese(content, 1)


def _is_in(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _chosen(content: bytes, name: str, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise LabelError(f"There is no encoding {encoding!r}; name one as utf-8, gb18030, big5 or cp1251.") from None
    except UnicodeError as reason:
        raise LabelError(f"{name} is not written in {encoding} ({reason}); choose another encoding.") from reason


def _guess(content: bytes) -> str:
    """Return the likeliest encoding of bytes that are not UTF-8."""
    if _has_kana(content):
        return "cp932"
    likeliest = _likeliest(content)
    if likeliest == "cp949":  # whose letters are pairs of usual Chinese characters
        return likeliest
    if _is_chinese(content, _SURE):
        return "gb18030"
    return "big5" if _is_big5(content) else likeliest


def _likeliest(content: bytes) -> str:
    """Return the encoding in which most cells are words, of equals the one that `chardet` thinks likeliest."""
    from chardet import detect_all  # takes longer to import than a table to read, and most tables are UTF-8

    sample = b"\n".join(line for line in content.splitlines() if _HIGH.search(line))[:_SAMPLE]
    ranked = detect_all(
        sample, ignore_threshold=True, prefer_superset=True, compat_names=False, include_encodings=_OF_CHARDET
    )
    trust = {_OF_CHARDET[one["encoding"]]: one["confidence"] for one in ranked if one["encoding"] in _OF_CHARDET}
    trust["cp1252"] = trust.get("cp1252", 0.0) * _MORE_USUAL
    cells = [found[0] for found in islice(_FOREIGN_CELL.finditer(sample), _CELLS)]
    words = {
        one: sum(_is_of_words(cell.decode(one, "replace")) for cell in cells)
        for one in (*trust, "cp932")
        if _is_in(content, one)
    }
    return max(words, key=lambda one: (words[one], trust.get(one, 0.0)), default="cp1252")


def _is_of_words(text: str) -> bool:
    """Return True where words have no characters beyond ASCII but letters, and neighbouring letters of one script."""
    for word in text.split():
        strange = [one for one in word if not (one.isascii() or one.isalnum() or unicodedata.combining(one))]
        runs = (set(map(_script, run)) for is_letters, run in groupby(word, key=str.isalpha) if is_letters)
        if any(len(scripts) > 1 or strange for scripts in runs):
            return False
    return True


def _script(letter: str) -> str:
    first = unicodedata.name(letter, "").partition(" ")[0]
    return _EAST_ASIAN[0] if first in _EAST_ASIAN else first


def _decoded(content: bytes, encoding: str) -> list[str]:
    """Return the characters beyond ASCII, none where the bytes are not in `encoding`."""
    try:
        return [one for one in content.decode(encoding) if ord(one) >= 0x80]
    except UnicodeDecodeError:
        return []


def _has_kana(content: bytes) -> bool:
    """Return True for Shift JIS: full-width kana, and nothing but kana, ideographs and their marks."""
    found = _decoded(content, "cp932")
    names = [unicodedata.name(one, "") for one in found]
    kana = [name.startswith(("HIRAGANA", "KATAKANA")) for name in names]
    ideographs = [name.startswith(("CJK", "IDEOGRAPHIC", "FULLWIDTH")) for name in names]
    return any(kana) and all(one or other for one, other in zip(kana, ideographs, strict=True))


def _is_chinese(content: bytes, share: float) -> bool:
    """Return True where at least `share` of the characters are of GB 2312, and half of those of its first level."""
    pairs = [one.encode("gb2312", errors="ignore") for one in _decoded(content, "gb18030")]
    known = [pair for pair in pairs if len(pair) == 2]
    usual = [pair for pair in known if _FIRST_LEVEL[0] <= pair[0] < _FIRST_LEVEL[1]]
    return bool(usual) and len(known) >= share * len(pairs) and 2 * len(usual) >= len(known)


def _is_big5(content: bytes) -> bool:
    """Return True where every character is a usual one of Big5 (5,401 characters from A440 to C67E)."""
    found = _decoded(content, "big5")
    leads = [one.encode("big5")[0] for one in found]
    return bool(found) and sum(0xA4 <= lead <= 0xC6 for lead in leads) >= _SURE * len(leads)
