"""XML of strangers."""

import pytest

from napari_wsss.exchange.annotations.plain_xml import read_xml


def test_plain_xml_is_read(tmp_path):
    (tmp_path / "a.xml").write_text("<a><b>1</b></a>")
    assert read_xml(tmp_path / "a.xml").findtext("b") == "1"


BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'


@pytest.mark.parametrize("content", [b"", b"<a>", BOMB, BOMB.decode().encode("utf-16"), b'<?xml encoding="x"?><a/>'])
def test_anything_else_is_a_sentence(tmp_path, content):
    (tmp_path / "a.xml").write_bytes(content)
    with pytest.raises(ValueError, match="XML"):
        read_xml(tmp_path / "a.xml")
