"""Finding the image that an entry of a label list means."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.exchange.matching import ImageIndex, Match, closest

IDS = (
    "a.jpg",
    "x.jpg",
    "x.png",
    "sub/b.jpg",
    "one/same.jpg",
    "two/same.jpg",
    "sub/deep/c.v2.tif",
    "top.jpg",
    "sub/top.jpg",
)
INDEX = ImageIndex(Path("/data/photos"), IDS)


@pytest.mark.parametrize(
    ("entry", "id_"),
    [
        ("a.jpg", "a.jpg"),
        ("a", "a.jpg"),
        ("./a.jpg", "a.jpg"),
        ("A.JPG", "a.jpg"),
        ("b", "sub/b.jpg"),
        ("sub\\b.jpg", "sub/b.jpg"),
        ("deep/c.v2", "sub/deep/c.v2.tif"),
        ("photos/sub/b.jpg", "sub/b.jpg"),
        ("/other/machine/photos/a.jpg", "a.jpg"),
        ("two/same", "two/same.jpg"),
        ("top", "top.jpg"),
        ("x.png", "x.png"),
    ],
)
def test_entries_that_clearly_mean_one_image(entry, id_):
    match = INDEX.find(entry)
    assert (match.id, match.loose) == (id_, False)


@pytest.mark.parametrize(("entry", "id_"), [("old/a.jpg", "a.jpg"), ("a.png", "a.jpg"), ("/gone/deep/c.v2.tif", None)])
def test_another_folder_or_suffix_matches_loosely(entry, id_):
    match = INDEX.find(entry)
    assert match.ids
    if id_:
        assert (match.id, match.loose) == (id_, True)


@pytest.mark.parametrize(("entry", "count"), [("x", 2), ("same", 2), ("same.jpg", 2), ("elsewhere/same.jpg", 2)])
def test_ambiguous_entries_name_every_candidate(entry, count):
    match = INDEX.find(entry)
    assert match.id is None
    assert len(match.ids) == count


@pytest.mark.parametrize("entry", ["", "  ", "missing.jpg", "sub", "jpg", "a.j"])
def test_entries_without_an_image(entry):
    assert INDEX.find(entry).ids == ()


def test_composed_and_decomposed_letters_are_one_name():
    index = ImageIndex(Path("r"), [unicodedata.normalize("NFD", "gr\u00fcn.jpg")])
    assert index.find(unicodedata.normalize("NFC", "gr\u00fcn")).id == index.ids[0]


@given(st.sets(st.from_regex(r"([a-c]/){0,2}[a-d]{1,3}\.(jpg|png)", fullmatch=True), min_size=1, max_size=12))
def test_every_id_finds_itself(ids):
    index = ImageIndex(Path("root"), sorted(ids))
    assert all(index.find(id_).id == id_ for id_ in ids)


def test_20_000_stems_match_in_seconds():
    index = ImageIndex(Path("root"), (f"folder{n % 50}/image_{n:06d}.jpg" for n in range(20_000)))
    start = time.process_time()
    assert all(index.find(f"image_{n:06d}").id for n in range(20_000))
    assert time.process_time() - start < 2


PLANES = ("sub/s.tif/page-0001.png", "sub/s.tif/page-0002.png", "t.tiff/page-0001.png")
STACKS = ImageIndex(Path("/data/photos"), ("a.jpg", "sub/s.tif"), PLANES)


@pytest.mark.parametrize(
    "entry", ["sub/s.tif/page-0002.png", "s.tif/page-0002", "/elsewhere/photos/sub/s.tif/page-0002"]
)
def test_planes_are_found_by_their_ids_and_are_no_images_of_the_folder(entry: str) -> None:
    assert STACKS.find(entry).id == PLANES[1]
    assert STACKS.ids == ("a.jpg", "sub/s.tif")


def test_a_plane_of_a_stack_is_found_by_its_number() -> None:
    assert STACKS.find("s.tif").id == "sub/s.tif"
    assert STACKS.find_plane("sub/s", 2).id == PLANES[1]
    assert STACKS.find_plane("t.tif", 1) == Match((PLANES[2],), loose=True)
    for entry, plane in (("s", 3), ("a.jpg", 1), ("gone", 1), ("", 1)):
        assert STACKS.find_plane(entry, plane).ids == ()


@pytest.mark.parametrize("entry", ["CASE.jpg", "CASE", "CASE.jpg.jpg", "photos/CASE", "elsewhere/CASE.png"])
def test_of_names_that_differ_in_letter_case_the_one_that_is_written_so_is_meant(entry):
    index = ImageIndex(Path("/data/photos"), ("CASE.jpg", "case.jpg"))
    assert index.find(entry).id == "CASE.jpg"
    assert set(index.find(entry.replace("CASE", "Case")).ids) == {"CASE.jpg", "case.jpg"}


def test_the_clearest_of_several_names_counts():
    several, loose, own = Match(("a", "b")), Match(("a",), loose=True), Match(("b",))
    assert closest([Match(), several, loose, own, Match(("c",))]) is own
    assert closest([several, loose]) is loose
    assert closest([Match()]) == Match()
