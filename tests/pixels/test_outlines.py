"""Outlines give back exactly the pixels they were drawn around, by two fillers that are not ours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from napari_wsss.pixels.outlines import LEAST_POINTS, outlines


@st.composite
def pictures(draw: st.DrawFn) -> np.ndarray:
    """Return (H, W) bool of any size with regions, holes, holes in holes and single pixels."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    found = random.random((height, width)) < draw(st.floats(0, 1))
    for margin in range(draw(st.integers(0, 5))):
        found[margin : height - margin, margin : width - margin] ^= True
    return found


def filled_by_pillow(where: np.ndarray) -> np.ndarray:
    image = Image.new("1", where.shape[::-1])
    for outline in outlines(where):
        one = Image.new("1", image.size)
        points = [(x + 0.5, y + 0.5) for x, y in outline.pixels.tolist()]
        ImageDraw.Draw(one).polygon(points, outline=1, fill=1)
        image.paste(1, mask=one)
    return np.array(image)


def filled_by_coco(where: np.ndarray) -> np.ndarray:
    from pycocotools import mask

    polygons = [outline.corners.ravel().astype(float).tolist() for outline in outlines(where)]
    if not polygons:
        return np.zeros_like(where)
    return mask.decode(mask.merge(mask.frPyObjects(polygons, *where.shape))).astype(bool)


@pytest.mark.parametrize("filled", [filled_by_coco, filled_by_pillow])
@given(where=pictures())
@settings(max_examples=150, deadline=None)
def test_filling_an_outline_gives_the_same_pixels(filled, where: np.ndarray) -> None:
    np.testing.assert_array_equal(filled(where), where)


def test_a_region_is_one_polygon_whatever_its_holes() -> None:
    where = np.ones((9, 9), bool)
    where[2:4, 2:4] = where[5, 6] = where[7, 2:5] = False
    found = outlines(where)
    assert len(found) == 1
    area = 0.5 * np.sum(
        found[0].corners[:, 0] * np.roll(found[0].corners[:, 1], -1)
        - found[0].corners[:, 1] * np.roll(found[0].corners[:, 0], -1)
    )
    assert abs(area) == where.sum()


def test_pixels_that_touch_at_a_corner_are_two_regions_and_a_single_one_has_enough_points() -> None:
    found = outlines(np.eye(2, dtype=bool))
    assert len(found) == 2
    assert all(len(one.pixels) == LEAST_POINTS for one in found)
    assert [one.corners.tolist() for one in found][1] == [[1, 1], [2, 1], [2, 2], [1, 2]]


def test_nothing_has_no_outline() -> None:
    assert outlines(np.zeros((3, 4), bool)) == []
