"""Conjugate gradients find what a direct solver finds."""

from __future__ import annotations

import numpy as np

from napari_wsss.pixels.conjugate_gradients import conjugate_gradients


def test_every_row_is_solved():
    random = np.random.default_rng(0)
    root = random.normal(size=(30, 30))
    matrix = (root @ root.T + 30 * np.eye(30)).astype(np.float32)
    pull = random.normal(size=(3, 30)).astype(np.float32)
    found = conjugate_gradients(
        lambda x: x @ matrix, pull, np.zeros_like(pull), np.diag(matrix), rounds=100, enough=1e-7
    )
    np.testing.assert_allclose(found, np.linalg.solve(matrix, pull.T).T, atol=1e-4)


def test_what_is_solved_already_stays():
    start = np.ones((2, 4), np.float32)
    found = conjugate_gradients(lambda x: 2 * x, 2 * start, start, np.full(4, 2, np.float32), rounds=5, enough=1e-6)
    np.testing.assert_array_equal(found, start)
    empty = np.zeros((2, 0), np.float32)
    assert conjugate_gradients(lambda x: x, empty, empty, empty[0], rounds=5, enough=1e-6).shape == (2, 0)
