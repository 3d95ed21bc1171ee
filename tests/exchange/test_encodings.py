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
        ("koi8-r", "кошка;собака", "KOI8-R"),
        ("cp866", "кошка", "DOS"),
        ("cp949", "고양이,개", "EUC-KR"),
        ("cp1253", "γάτα;σκύλος", "Greek"),
        ("cp1250", "kočka,kůň", "Central European"),
        ("cp1255", "חתול,כלב", "Hebrew"),
        ("cp1256", "قطة,كلب", "Arabic"),
        ("cp874", "แมว,หมา", "Thai"),
        ("cp932", "猫,犬", "Shift JIS"),
        ("mac-roman", "grün,Bär", "Mac"),
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
        ("grün".encode("utf-32"), "utf-32"),
        ("image,label\na.jpg,猫\n".encode("utf-16-le"), "utf-16-le"),
        ("image,label\na.jpg,猫\n".encode("utf-16-be"), "utf-16-be"),
        ("a,b\0\n".encode("utf-16-le"), ""),
        (bytes(range(256)) * 8, ""),
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
    content = "image,label\na.jpg,ağaç\n".encode("cp1254")
    assert "ağaç" not in decode(content, "labels.csv")[0]
    assert "ağaç in Turkish" in decode(content, "labels.csv")[1]
    assert "ağaç" in decode(content, "labels.csv", "cp1254")[0]


@pytest.mark.parametrize(
    ("encoding", "message"), [("klingon", "no encoding 'klingon'"), ("utf-8", "not written in utf-8")]
)
def test_a_wrong_choice_is_refused(encoding, message):
    with pytest.raises(LabelError, match=message):
        decode("grün".encode("cp1252"), "labels.csv", encoding)


@pytest.mark.parametrize(
    ("encoding", "word"),
    [
        ("gb18030", "猫"),
        ("big5", "貓"),
        ("cp932", "猫"),
        ("cp949", "고양이"),
        ("cp1250", "kůň"),
        ("cp1253", "γάτα"),
        ("cp850", "grün"),
        ("iso8859-5", "кот"),
    ],
)
def test_a_single_word_is_found_by_the_names_that_are_known(encoding, word):
    content = f"image,label\na.jpg,{word}\n".encode(encoding)
    text, note = decode(content, "labels.csv", expected={word, "собака", "cat"})
    assert text == content.decode(found_encoding(content, {word}))
    assert word in text
    assert "1 names of images or classes" in note


def test_file_names_tell_it_too_whatever_their_form_and_suffix():
    content = "image,label\nphotos/grün.jpg,cat\nÄpfel,cat\n".encode("cp1254")
    text, note = decode(content, "labels.csv", expected={"gru\u0308n", "Äpfel"})
    assert "grün" in text
    assert "2 names" in note


def test_utf_8_that_may_be_a_single_chinese_word_says_so_unless_a_name_tells_it():
    content = "a.jpg,猫\n".encode("gb18030")
    assert content == "a.jpg,è\n".encode()
    text, note = decode(content, "labels.csv")
    assert text == "a.jpg,è\n"
    assert "猫 in Chinese (GB18030)" in note
    assert decode(content, "labels.csv", expected={"è"}) == ("a.jpg,è\n", "")
    assert decode(content, "labels.csv", expected={"猫"})[0] == "a.jpg,猫\n"
    assert decode("a.jpg,crème brûlée\n".encode(), "labels.csv")[1] == ""


def test_a_guess_names_the_encodings_that_would_fit():
    note = decode("a.jpg,ñandú\n".encode("cp1252"), "labels.csv")[1]
    assert "Western" in note
    assert "ńandú in Central European (Windows-1250)" in note
    assert "Greek" not in note, "letters of two scripts are no word"
    assert "ñandú" not in note, "what reads the same is no other reading"


def test_names_are_looked_for_in_the_first_lines_of_a_large_text_alone():
    content = ("a.jpg,cat\n" * 30_000 + "b.jpg,猫\n").encode("gb18030")
    assert found_encoding(content, {"猫"}) == "utf-8-sig"
