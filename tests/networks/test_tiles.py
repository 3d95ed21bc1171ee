"""Tiles cover an image once, keep to their budget and to the sizes that weights want."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.networks.tiles import spans, tile_size


@given(
    length=st.integers(1, 3000),
    tile=st.integers(3, 20).map(lambda k: 32 * k + 1),
    overlap=st.integers(0, 600),
)
def test_every_pixel_is_kept_from_exactly_one_tile(length: int, tile: int, overlap: int) -> None:
    found = spans(length, tile, min(overlap, tile - 33))

    assert found[0].keep_start == 0
    assert found[-1].keep_stop == length
    assert all(a.keep_stop == b.keep_start for a, b in itertools.pairwise(found))
    assert all(s.start <= s.keep_start < s.keep_stop <= s.stop <= length for s in found)
    assert all(s.stop - s.start <= tile and s.start % 32 == 0 for s in found)


@given(length=st.integers(4, 60).map(lambda k: 32 * k + 1), tile=st.integers(3, 10).map(lambda k: 32 * k + 1))
def test_tiles_obey_the_size_rule_when_the_image_does(length: int, tile: int) -> None:
    assert {(s.stop - s.start) % 32 for s in spans(length, tile, 32)} == {1}


@given(height=st.integers(32, 5000), width=st.integers(32, 5000), budget=st.integers(100_000, 2_000_000))
def test_tiles_keep_to_the_budget(height: int, width: int, budget: int) -> None:
    tall, wide = tile_size(height, width, budget, 64)

    assert tall * wide <= budget
    assert tall <= height
    assert wide <= width


def test_a_tiny_budget_still_gives_tiles_larger_than_their_overlap() -> None:
    assert min(tile_size(2000, 3000, 1, 160)) > 160
