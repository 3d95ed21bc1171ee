"""Who made which pixel: the table, its numbers, its words and its bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.sources import (
    FIRST_MACHINE,
    NOTHING,
    OTHER_MACHINE,
    PERSON,
    Source,
    Sources,
    decode_sources,
    encode_sources,
    uniform,
    uniform_value,
)

PROPOSAL = Source(
    "proposal", "0a1b2c3d4e5f", "cam", "training/classifier-ab12/best.safetensors", {"threshold": 0.4}, time=5.0
)


@given(arrays(np.uint8, st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_sources_are_read_back_exactly(values: np.ndarray) -> None:
    given_ = Sources(values, (PROPOSAL, Source("borrowed", from_image="ä/b.png")))
    found = decode_sources(encode_sources(given_))
    assert found.same_as(given_)
    assert found.table[0].time == 5.0


def test_a_source_has_one_number_whenever_it_is_used_again() -> None:
    sources = Sources.uniform((2, 3), PROPOSAL)
    again = Source(**{**PROPOSAL.to_dict(), "time": 9.0})
    assert sources.numbered(again) == ((PROPOSAL,), FIRST_MACHINE)
    table, value = sources.numbered(Source("clean-up", method="fill holes"))
    assert (len(table), value) == (2, FIRST_MACHINE + 1)


def test_a_full_table_gives_the_last_number_to_all_that_follow() -> None:
    sources = Sources.uniform((1, 1), NOTHING)
    for place in range(OTHER_MACHINE - FIRST_MACHINE):
        table, value = sources.numbered(Source("proposal", key=str(place)))
        sources = Sources(sources.values, table)
        assert sources.source_of(value) == Source("proposal", key=str(place))
    assert sources.numbered(Source("label", method="dog")) == (sources.table, OTHER_MACHINE)
    assert sources.text_of(OTHER_MACHINE) == "another machine source"
    assert sources.source_of(OTHER_MACHINE) is None


def test_sources_are_told_in_words() -> None:
    texts = [
        (PROPOSAL, "proposal of classifier-ab12 at threshold 0.40"),
        (Source("proposal", method="cam"), "proposal of cam"),
        (Source("proposal"), "proposal"),
        (Source("borrowed", from_image="a.png"), "taken over from a.png"),
        (Source("propagated", method="superpixel walk"), "propagated (superpixel walk)"),
        (Source("clean-up", method="fill holes"), "clean-up (fill holes)"),
        (Source("label", method="dog"), "label 'dog' removed"),
        (Source("imported", method="cvat", parameters={"from": "a.zip"}), "imported from a.zip (cvat)"),
    ]
    for source, text in texts:
        assert source.text() == text
    assert Sources.uniform((1, 1), PERSON).text_of(PERSON) == "you"
    with pytest.raises(ProjectError, match="magic"):
        Source("magic")  # type: ignore[arg-type]


def test_shares_count_what_occurs() -> None:
    values = np.array([[PERSON, PERSON, FIRST_MACHINE, NOTHING]], np.uint8)
    assert Sources(values, (PROPOSAL,)).shares() == {PERSON: 0.5, NOTHING: 0.25, FIRST_MACHINE: 0.25}
    assert Sources(values).person.tolist() == [[True, True, False, False]]


def test_what_came_from_a_file_is_neither_a_persons_nor_a_machines() -> None:
    values = np.array([[NOTHING, PERSON, FIRST_MACHINE, FIRST_MACHINE + 1, OTHER_MACHINE]], np.uint8)
    sources = Sources(values, (PROPOSAL, Source("imported", method="cvat")))
    assert sources.imported_values == (FIRST_MACHINE + 1,)
    assert sources.person.tolist() == [[False, True, False, False, False]]
    assert sources.imported.tolist() == [[False, False, False, True, False]]
    assert sources.machine.tolist() == [[False, False, True, False, True]]


@pytest.mark.parametrize("content", [b"", b"nothing", encode_sources(Sources.uniform((2, 2), PERSON))[:-4]])
def test_damaged_sources_are_told(content: bytes) -> None:
    with pytest.raises(ProjectError, match=r"a\.png"):
        decode_sources(content, "a.png")


def test_one_value_takes_the_memory_of_one() -> None:
    made = uniform((4000, 3000), np.uint8(7))
    assert made.shape == (4000, 3000)
    assert made.base is not None
    assert made.base.nbytes == 1
    assert uniform_value(made) == 7
    assert uniform_value(made[5:9, 2:3]) == 7
    assert (made[:2] == 7).all()
    assert not made.flags.writeable


def test_others_are_none() -> None:
    assert uniform_value(np.full((3, 4), 7, np.uint8)) is None
    assert uniform_value(np.zeros((0, 4), np.uint8)) is None
    assert uniform_value(uniform((2, 3), np.uint8(7)).copy()) is None
