"""What is drawn becomes pixels, checked against the size of the image first."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from skimage.draw import polygon

from napari_wsss.exchange.annotations.shapes import Bitmap, Ellipse, Polygons, Runs, filled, ring_of

SQUARE = np.array([[1.0, 1.0], [4.0, 1.0], [4.0, 3.0], [1.0, 3.0]])


def test_a_polygon_along_the_edges_of_pixels_covers_exactly_these():
    expected = np.zeros((5, 6), bool)
    expected[1:3, 1:4] = True
    np.testing.assert_array_equal(Polygons([SQUARE]).inside((5, 6)), expected)
    np.testing.assert_array_equal(Polygons([SQUARE / [6, 5]], relative=True).inside((5, 6)), expected)


@given(st.integers(0, 2**32 - 1), st.integers(3, 9))
@settings(max_examples=60, deadline=None)
def test_filling_agrees_with_a_polygon_of_scikit_image(seed, points):
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 40, 2)
    ring = random.random((points, 2)) * [width * 1.4, height * 1.4] - [width * 0.2, height * 0.2]
    expected = np.zeros((height, width), bool)
    expected[polygon(ring[:, 1] - 0.5, ring[:, 0] - 0.5, expected.shape)] = True
    np.testing.assert_array_equal(filled(ring, (int(height), int(width))), expected)


def test_a_polygon_of_pixels_holds_its_line():
    found = Polygons([np.array([[1, 1], [3, 1], [3, 3], [1, 3]], float)], line="in").inside((5, 5))
    assert found.sum() == 9
    assert found[1:4, 1:4].all()


def test_a_polygon_around_a_hole_leaves_its_line():
    ring = np.array([[1, 1], [3, 1], [3, 3], [1, 3]], float)
    found = Polygons([ring], line="out").inside((5, 5))
    assert [tuple(map(int, one)) for one in np.argwhere(found)] == [(2, 2)]


@given(st.integers(1, 3000), st.integers(4, 9))
@settings(max_examples=60, deadline=None)
def test_shares_of_whole_pixels_are_these_pixels_whatever_the_decimals(side, decimals):
    if side >= 10 ** (decimals - 1):
        return  # a pixel is no more than ten units of the last decimal
    shares = np.array([[round(x / side, decimals), 0.0] for x in range(side)])
    rounding = 0.5 * 10.0**-decimals
    for at in {0, 1 % side, side // 3, side - 1}:
        found = Polygons([shares[[at, at, at]]], relative=True, line="in", rounding=rounding).inside((1, side))
        assert np.flatnonzero(found).tolist() == [at]


@given(st.floats(0, 40), st.floats(0, 40), st.floats(0.1, 30))
@settings(max_examples=100, deadline=None)
def test_a_circle_with_its_line_is_pillows(x, y, radius):
    image = Image.new("L", (40, 40))
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), outline=1, fill=1)
    found = Ellipse((x, y), (radius, radius), with_line=True).inside((40, 40))
    np.testing.assert_array_equal(found, np.array(image, bool))


def test_a_circle_is_round():
    found = Ellipse((5, 5), (3, 3)).inside((10, 10))
    np.testing.assert_array_equal(found, found.T)
    assert abs(int(found.sum()) - np.pi * 9) < 5


def test_runs_along_rows_in_a_box_and_down_columns_of_the_whole():
    found = Runs(np.array([1, 2, 1]), (2, 2), (1, 2)).inside((4, 5))
    assert [tuple(map(int, one)) for one in np.argwhere(found)] == [(1, 3), (2, 2)]
    down = Runs(np.array([1, 2, 1]), (2, 2), by_column=True, whole=True).inside((2, 2))
    assert [tuple(map(int, one)) for one in np.argwhere(down)] == [(0, 1), (1, 0)]


@pytest.mark.parametrize(
    "drawing",
    [
        Runs(np.array([5]), (2, 2), whole=True),
        Runs(np.array([4]), (2, 2), whole=True),
        Runs(np.array([-1, 5]), (2, 2)),
        Runs(np.array([4]), (2, 2), (9, 9)),
        Runs(np.array([2**62]), (2**31, 2**31)),
        Bitmap(np.ones((2, 2), bool), (-1, 0)),
        Bitmap(np.ones((2, 2), bool), whole=True),
        Polygons([SQUARE[:2]]),
        Polygons([SQUARE * np.nan]),
        Polygons([SQUARE * 1e300], line="in"),
        Ellipse((1, 1), (0, float("inf"))),
        Ellipse((1, 1), (1e9, 1e9), with_line=True),
    ],
)
def test_what_does_not_fit_is_a_sentence(drawing):
    with pytest.raises(ValueError, match=r"\w"):
        drawing.inside((5, 6))


def test_a_polygon_that_would_take_minutes_is_refused():
    zigzag = np.array([[0.0, 0.0], [1.0, 1e6]] * 60_000)
    with pytest.raises(ValueError, match="more than can be filled"):
        filled(zigzag, (10_000, 10))


@pytest.mark.parametrize("value", [None, "x", [[1, 2, 3]], [1, 2, 3], {"a": 1}, [["a", "b"]], [10**400, 1]])
def test_points_of_another_kind_are_a_sentence(value):
    with pytest.raises(ValueError, match="points"):
        ring_of(value)
