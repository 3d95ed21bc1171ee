"""Body and detail of a mask (their exact values: tests/parity/test_ldf_split.py)."""

from __future__ import annotations

import numpy as np

from training.data.label_decoupling import decoupled, detail_weights, stored


def square(side: int = 60, start: int = 15, stop: int = 45) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    mask[start:stop, start:stop] = 255
    return mask


def test_the_body_is_high_inside_and_the_detail_at_the_edge() -> None:
    mask = square()

    body, detail = decoupled(mask)

    assert body[30, 30] == body.max() == 255
    assert detail[15, 30] > 100
    assert detail[30, 30] == 0
    np.testing.assert_array_equal(body + detail, mask)


def test_the_body_reaches_two_pixels_further_where_the_stored_detail_is_zero() -> None:
    body, detail = decoupled(square())

    assert body[13, 30] > 0
    assert body[12, 30] == 0
    assert detail[13, 30] < 0
    assert stored(detail)[13, 30] == 0
    assert stored(body).dtype == np.uint8


def test_pictures_smaller_than_the_blur_are_split_too() -> None:
    for mask in (np.full((1, 1), 255, np.uint8), np.zeros((2, 7), np.uint8)):
        body, detail = decoupled(mask)

        assert np.isfinite(body).all()
        assert np.isfinite(detail).all()


def test_detail_weights_are_high_at_edges_between_values_only() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[:, 30:] = 3

    weights = detail_weights(mask, 255, 4.0)

    assert weights.min() == 1
    assert weights[30, 30] > 3
    assert weights[30, 29] > 3
    assert weights[30, 0] == weights[30, 59] == 1


def test_an_edge_towards_undecided_pixels_has_no_weight() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[:, 30:] = 255

    np.testing.assert_array_equal(detail_weights(mask, 255, 4.0), 1)


def test_without_strength_every_pixel_counts_one() -> None:
    np.testing.assert_array_equal(detail_weights(square(), 7, 0.0), 1)
