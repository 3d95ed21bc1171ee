"""Encodings are found out where the bytes tell them, said, and can be chosen."""

import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.encodings import ENCODINGS, decode, found_encoding


@pytest.mark.parametrize(
    ("encoding", "text", "word"),
    [
        ("cp1252", "grün,Bär,crème brûlée,éé créée", "Windows-1252"),
        ("gb2312", "猫;狗", "GB18030"),
        ("gbk", "汽车,自行车,裂纹,镕", "GB18030"),
        ("gb18030", "裂纹,划痕,夹杂,𠀀", "GB18030"),
        ("big5", "貓狗,腳踏車", "Big5"),
        ("cp932", "犬とねこ,ネコ", "Shift JIS"),
        ("cp1251", "кот,Собака", "1251"),
    ],
)
def test_the_likeliest_encoding_is_found_and_said(encoding, text, word):
    content = f"image,labels\na.jpg,{text}\n".encode(encoding)
    found, note = decode(content, "labels.csv")
    assert text in found
    assert word in note
    assert decode(content, "labels.csv", encoding) == (found, "")
    assert content.decode(found_encoding(content)) == found
    assert found_encoding(content) in ENCODINGS


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("grün".encode(), "utf-8-sig"),
        ("grün".encode("utf-8-sig"), "utf-8-sig"),
        ("grün".encode("utf-16"), "utf-16"),
        (b"", "utf-8-sig"),
        (b"PK\0\1", ""),
    ],
)
def test_what_is_found_out_has_a_name(content, encoding):
    assert found_encoding(content) == encoding


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_that_is_offered_can_be_read(encoding):
    assert decode("image,label\n".encode(encoding), "labels.csv", encoding)[0] == "image,label\n"


def test_what_cannot_be_found_out_can_be_chosen():
    content = "image,label\na.jpg,고양이\n".encode("euc_kr")
    assert "고양이" not in decode(content, "labels.csv")[0]
    assert "choose its encoding" in decode(content, "labels.csv")[1]
    assert "고양이" in decode(content, "labels.csv", "euc_kr")[0]


@pytest.mark.parametrize(
    ("encoding", "message"), [("klingon", "no encoding 'klingon'"), ("utf-8", "not written in utf-8")]
)
def test_a_wrong_choice_is_refused(encoding, message):
    with pytest.raises(LabelError, match=message):
        decode("grün".encode("cp1252"), "labels.csv", encoding)
