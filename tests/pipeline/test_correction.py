from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pipeline.correction import Prototypes, learn_prototypes, relative_evidence, with_evidence

SIDE = 8


@pytest.fixture
def features() -> np.ndarray:
    """Return (6, 4, 4) features of three kinds of cells, by columns: 0, 1 object, 2 look-alike, 3 background."""
    kinds = np.array([0, 0, 1, 2])
    random = np.random.default_rng(0)
    return (np.eye(6)[kinds].T[:, None, :].repeat(4, 1) * 5 + random.random((6, 4, 4))).astype(np.float32)


def mask_of(columns: dict[int, int]) -> np.ndarray:
    mask = np.zeros((4 * SIDE, 4 * SIDE), np.uint8)
    for column, value in columns.items():
        mask[:, column * SIDE : (column + 1) * SIDE] = value
    return mask


def test_what_was_rejected_speaks_against_the_class(features: np.ndarray) -> None:
    proposed, corrected = mask_of({0: 1, 1: 1, 2: 1}), mask_of({0: 1, 1: 1})
    factors = relative_evidence(learn_prototypes(features, corrected, proposed), features)

    assert set(factors) == {0, 1}
    assert factors[1][:, :2].min() == 1.0
    assert factors[0][:, 2:].min() == 1.0
    assert factors[1][:, 2:].max() < 0.2
    assert all(factor.min() > 0 and factor.max() <= 1 for factor in factors.values())


def test_a_class_that_was_rejected_altogether_is_found_again(features: np.ndarray) -> None:
    prototypes = learn_prototypes(features, mask_of({0: 1, 1: 1}), mask_of({0: 1, 1: 1, 2: 3}))
    assert set(prototypes.rejected) == {3}
    factors = relative_evidence(prototypes, features)
    assert factors[3][:, 2].max() < 0.05
    assert factors[3][:, :2].min() == 1.0


def test_maps_follow_the_evidence_and_get_no_new_class(features: np.ndarray) -> None:
    prototypes = learn_prototypes(features, mask_of({0: 1, 1: 1, 3: 4}))
    size = (4 * SIDE, 4 * SIDE)
    maps = ActivationMaps(np.full((2, *size), 0.5, np.float32), (0, 6), np.full(size, 0.45, np.float32))
    after = with_evidence(maps, relative_evidence(prototypes, features))

    assert after.classes == (0, 6)
    mask = after.to_mask()
    assert set(np.unique(mask)) <= {0, 1, 7}
    assert (mask[:, : SIDE + SIDE // 2] == 1).mean() > 0.95
    assert not (mask[:, -SIDE // 2 :] == 1).any()
    assert after.scores.max() <= 1 >= after.background.max()


def test_small_objects_count_and_ignored_pixels_do_not(features: np.ndarray) -> None:
    mask = np.full((4 * SIDE, 4 * SIDE), IGNORE, np.uint8)
    mask[:, 3 * SIDE :] = 0
    mask[1:3, 1:3] = 5
    found = learn_prototypes(features, mask)

    assert set(found.vectors) == {0, 5}
    assert len(found.vectors[5]) == 1
    np.testing.assert_allclose(np.linalg.norm(found.vectors[0], axis=1), 1, rtol=1e-5)


def test_nothing_known_changes_nothing(features: np.ndarray) -> None:
    assert relative_evidence(Prototypes(features.mean((1, 2)), {}), features) == {}
    first, second = (learn_prototypes(features, mask_of({0: 1, 2: 2})) for _ in range(2))
    for value, vectors in first.vectors.items():
        np.testing.assert_array_equal(vectors, second.vectors[value])
