from __future__ import annotations

from collections import Counter

import pytest

from napari_wsss.core.inside import LONGEST_NAME, SUFFIX_BYTES
from napari_wsss.core.spread import is_spread, spread

IDS = ["a.png", "day 1/a.png", "day 1%2Fa.png", "day%201/a.png", "ä/ö.jpg", "ab/cd.png", "%.png", "a" * 247 + ".png"]
LONG = ["d" * 200 + "/" + "e" * 100 + ".png", "é" * 124 + "/a.png"]


def test_every_image_has_a_place_of_its_own() -> None:
    places = [spread(image_id) for image_id in [*IDS, *LONG]]
    assert len(set(places)) == len(places)
    for place in places:
        folder, _, name = place.partition("/")
        assert len(folder) == 2
        assert "/" not in name
        assert len(name.encode()) <= LONGEST_NAME - SUFFIX_BYTES
        assert is_spread(place)


@pytest.mark.parametrize("place", [*IDS, *LONG, "00/a.png", "x/y/z.png"])
def test_the_place_of_an_image_itself_is_another(place: str) -> None:
    assert not is_spread(place)


def test_a_million_fill_no_folder() -> None:
    folders = Counter(spread(f"camera {at % 3}/{at:06d}.jpg").partition("/")[0] for at in range(100_000))
    assert len(folders) == 256
    assert max(folders.values()) < 1.3 * 100_000 / 256
