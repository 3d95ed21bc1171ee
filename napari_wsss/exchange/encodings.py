"""Text of label files in whatever encoding it was saved: said where it had to be guessed, or chosen by a person.

Only what can be told apart from the bytes is told apart: two-byte Chinese, Japanese with kana, Cyrillic, else Western.
"""

import codecs
import re
import unicodedata

from napari_wsss.core.errors import LabelError

UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SURE, _LIKELY = 0.8, 0.5
"""Shares of usual characters."""
_FIRST_LEVEL = (0xB0, 0xD8)
"""Lead bytes of the 3,755 usual characters of GB 2312; pairs of Western letters begin beyond them."""
GB18030 = ("gb18030", "GB18030 (GB2312, GBK)")
ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "gb18030": "Chinese (GB18030)",
    "big5": "Chinese (Big5)",
    "cp932": "Japanese (Shift JIS)",
    "cp949": "Korean (EUC-KR)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp1250": "Central European (Windows-1250)",
    "cp1252": "Western (Windows-1252)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
}
"""Encodings that a list offers, as Python names them -> what a person reads; any other one may be typed."""
_CYRILLIC_RUN = re.compile(rb"[\xa8\xb8\xc0-\xff]{3,}")
_HIGH = re.compile(rb"[\x80-\xff]")


def decode(content: bytes, name: str, encoding: str = "") -> tuple[str, str]:
    """Return the text of a file's bytes, and a note where its encoding had to be guessed.

    Parameters
    ----------
    content : bytes
    name : str
        The file in messages.
    encoding : str
        As Python names it (``gb18030``, ``cp1251``); "" finds it out: UTF-8 with or without mark, UTF-16 with mark,
        else what the bytes look like.

    Raises
    ------
    LabelError
        When it is not text, not in this encoding, or the encoding is unknown.
    """
    if encoding:
        return _chosen(content, name, encoding), ""
    if content.startswith(UTF_16_MARKS):
        return _chosen(content, name, "utf-16"), ""
    if b"\0" in content:
        raise LabelError(f"The label file {name} is not text; export it as CSV (a spreadsheet's own format is not).")
    try:
        return content.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        found, words = _guess(content)
        note = f"{name} is not UTF-8; read as {words} (if names look wrong, choose its encoding)"
        return content.decode(found, errors="replace"), note


def found_encoding(content: bytes) -> str:
    """Return the encoding that `decode` finds out, as Python names it; "" of what is not text."""
    if content.startswith(UTF_16_MARKS):
        return "utf-16"
    if b"\0" in content:
        return ""
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _guess(content)[0]
    return "utf-8-sig"


def _chosen(content: bytes, name: str, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise LabelError(f"There is no encoding {encoding!r}; name one as utf-8, gb18030, big5 or cp1251.") from None
    except UnicodeError as reason:
        raise LabelError(f"{name} is not written in {encoding} ({reason}); choose another encoding.") from reason


def _guess(content: bytes) -> tuple[str, str]:
    """Return the likeliest encoding of bytes that are not UTF-8, and its name in words."""
    if _has_kana(content):
        return "cp932", "Shift JIS"
    if _is_chinese(content, _SURE):
        return GB18030
    if _is_big5(content):
        return "big5", "Big5"
    if _is_chinese(content, _LIKELY):
        return GB18030
    if 2 * sum(map(len, _CYRILLIC_RUN.findall(content))) > len(_HIGH.findall(content)):
        return "cp1251", "Windows-1251 (Cyrillic)"
    return "cp1252", "Windows-1252"


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
