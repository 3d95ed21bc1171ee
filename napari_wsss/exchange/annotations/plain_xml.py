"""XML of other tools, read without trust."""

from pathlib import Path
from xml.etree import ElementTree

from napari_wsss.core.files import MOST_RECORD_BYTES, read_regular


def read_xml(path: Path, most: int = MOST_RECORD_BYTES) -> ElementTree.Element:
    """Return the root of an XML file.

    Raises
    ------
    OSError
        When it cannot be read, or is larger than `most` bytes.
    ValueError
        When it is no XML, or declares entities (which could expand without end).
    """
    content = read_regular(path, most)
    plain = content.replace(b"\0", b"")  # also as UTF-16 writes it
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        raise ValueError("declares a document type or entities; expected plain XML")
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, LookupError) as reason:  # an unknown encoding is a LookupError
        raise ValueError(f"is no XML ({reason})") from reason
