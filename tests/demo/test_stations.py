"""The demonstration shows every page of the dock; what its stations do is tried by walking (`test_walk`)."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("napari")

from demo.stations import STATIONS
from napari_wsss.widgets.pages import PAGES

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def test_every_page_has_a_picture_of_its_own() -> None:
    names = [station.name for station in STATIONS]
    assert len(set(names)) == len(names)
    assert {station.page for station in STATIONS} == set(PAGES)


def test_the_pictures_of_the_guide_are_those_of_the_stations() -> None:
    """`make screenshots` makes them all anew; what no station makes would never be renewed."""
    assert {path.stem for path in IMAGES.glob("*.png")} <= {station.name for station in STATIONS}
