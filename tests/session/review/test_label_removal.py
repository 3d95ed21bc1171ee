"""A removed class leaves the mask; the machine's pixels get its next best class, a person's become background."""

from __future__ import annotations

import numpy as np

from napari_wsss.session.review.label_removal import without_values


def test_only_the_removed_class_changes():
    mask = np.array([[1, 1, 2, 0, 255]], np.uint8)
    by_machine = np.array([[True, False, True, True, True]])
    next_best = np.array([[2, 2, 3, 3, 3]], np.uint8)
    values, count = without_values(mask, [1], by_machine, next_best)
    np.testing.assert_array_equal(values, [[2, 0, 2, 0, 255]])
    assert count == 2
    assert mask[0, 0] == 1


def test_a_removed_class_is_no_next_best_one():
    mask = np.array([[1, 2]], np.uint8)
    values, _ = without_values(mask, [1, 2], np.ones((1, 2), bool), np.array([[2, 1]], np.uint8))
    assert not values.any()


def test_a_mask_without_it_stays():
    mask = np.array([[2, 0]], np.uint8)
    values, count = without_values(mask, [1], np.ones((1, 2), bool), np.full((1, 2), 2, np.uint8))
    np.testing.assert_array_equal(values, mask)
    assert count == 0
