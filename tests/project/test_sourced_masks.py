"""A mask and its sources are one file, which every program reads as the mask."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import decode_mask, encode_mask
from napari_wsss.core.sources import FIRST_MACHINE, PERSON, Source, Sources
from napari_wsss.project.sourced_masks import SourcedMask, decode_sourced, encode_sourced
from napari_wsss.project.strokes import Stroke

CLASSES = ClassList(("cat", "dog"))
MASK = np.array([[0, 1, 2], [255, 1, 0]], np.uint8)
SOURCED = SourcedMask(
    MASK, Sources(np.array([[0, 1, 2], [3, 1, 0]], np.uint8), (Source("proposal", "abc"), Source("clean-up")))
)


def test_mask_sources_and_text_come_back() -> None:
    content = encode_sourced(SOURCED, CLASSES, {"who": "me"})
    values, sources, text = decode_sourced(content)
    assert sources is not None
    assert SourcedMask(values, sources).same_as(SOURCED)
    assert text["who"] == "me"
    assert np.array_equal(decode_mask(content)[0], MASK)
    assert encode_sourced(SOURCED, CLASSES, {"who": "me"}) == content


def test_a_program_that_edits_the_picture_leaves_a_mask_without_sources() -> None:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(encode_sourced(SOURCED, CLASSES))) as picture:
        picture.save(buffer, "PNG")
    assert decode_sourced(buffer.getvalue())[1] is None
    assert decode_sourced(encode_mask(MASK, CLASSES))[1] is None


def test_damage_anywhere_is_told() -> None:
    content = encode_sourced(SOURCED, CLASSES)
    place = content.index(b"wsSR") + 6
    with pytest.raises(ProjectError):
        decode_sourced(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    for length in range(0, content.index(b"IDAT"), 9):
        with pytest.raises(ProjectError):
            decode_sourced(content[:length])
    other = SourcedMask(MASK.T.copy(), Sources.uniform((3, 2), PERSON))
    chunk = encode_sourced(other, CLASSES)
    size = int.from_bytes(chunk[33:37], "big") + 12
    plain = encode_mask(MASK, CLASSES)
    with pytest.raises(ProjectError, match="not of its size"):
        decode_sourced(plain[:33] + chunk[33 : 33 + size] + plain[33:])


def test_drawing_over_changes_only_the_sources_of_changed_pixels() -> None:
    values = MASK.copy()
    values[0, 2] = 1
    drawn = SOURCED.drawn_over(values)
    assert drawn.sources.values.tolist() == [[0, 1, PERSON], [3, 1, 0]]
    assert drawn.sources.table == SOURCED.sources.table
    assert SOURCED.drawn_over(np.zeros((5, 5), np.uint8)).sources.person.all()


def test_importing_over_keeps_whose_the_same_pixels_are_and_claims_what_nobody_drew() -> None:
    file = Source("imported", method="cvat")
    values = MASK.copy()
    values[0, 2] = 1
    found = SOURCED.imported_over(values, file)
    number = FIRST_MACHINE + len(SOURCED.sources.table)
    assert found.sources.values.tolist() == [[number, PERSON, number], [3, PERSON, number]]
    assert found.sources.source_of(number) == file
    assert SOURCED.imported_over(np.zeros((5, 5), np.uint8), file).sources.imported.all()


def test_strokes_bring_their_sources_and_their_table() -> None:
    first, second = Source("proposal", "a"), Source("propagated")
    strokes = [
        Stroke(1, 0, np.array([0]), np.array([2], np.uint8), np.array([2], np.uint8), (first,)),
        Stroke(2, 0, np.array([0, 1]), np.array([1, 1], np.uint8), np.array([1, 3], np.uint8), (first, second)),
        Stroke(3, 0, np.array([5]), np.array([1], np.uint8), np.array([1], np.uint8)),
    ]
    found = SourcedMask.empty((2, 3)).replayed(strokes)
    assert found.sources.values.tolist() == [[1, 3, 0], [0, 0, 1]]
    assert found.sources.source_of(FIRST_MACHINE + 1) == second
    assert found.same_as(found.replayed(strokes))
    with pytest.raises(ProjectError, match="one shape"):
        SourcedMask(MASK, Sources.uniform((1, 1), PERSON))
