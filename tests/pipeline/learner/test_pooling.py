from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pipeline.applied_model import renormalised
from napari_wsss.pipeline.learner.pooling import LEAST, pooled, with_maps_of


def maps(seed: int) -> ActivationMaps:
    random = np.random.default_rng(seed)
    return ActivationMaps(random.random((3, 4, 5), np.float32), (0, 3, 7), random.random((4, 5), np.float32))


@given(st.integers(0, 50), st.sets(st.sampled_from([0, 3, 7])))
def test_unshown_classes_keep_their_maps_and_the_others_share_the_rest_as_before(seed: int, unshown: set[int]) -> None:
    plain = maps(seed)
    rows = [row for row, k in enumerate(plain.classes) if k in unshown]
    scores = plain.scores.copy()
    scores[rows] = 0
    found, asked = renormalised(plain.with_scores(scores, plain.background)), maps(seed + 1)

    mixed = with_maps_of(found, asked, unshown)

    assert mixed.background is not None
    np.testing.assert_allclose(mixed.scores.sum(0) + mixed.background, 1, atol=1e-5)
    np.testing.assert_allclose(mixed.scores[rows], renormalised(asked).scores[rows], atol=1e-6)
    assert found.background is not None
    shown = [row for row in range(3) if row not in rows]
    np.testing.assert_allclose(
        mixed.scores[shown] * found.background, found.scores[shown] * mixed.background, atol=1e-5
    )


def test_with_every_class_unshown_the_mask_is_that_of_the_maps() -> None:
    asked = maps(3)
    silent = ActivationMaps(np.zeros((3, 4, 5), np.float32), asked.classes, np.ones((4, 5), np.float32))
    np.testing.assert_array_equal(with_maps_of(silent, asked, asked.classes).to_mask(), asked.to_mask())


@given(st.integers(0, 50), st.floats(0.1, 0.5))
def test_odds_of_maps_count_by_their_share(seed: int, share: float) -> None:
    found, asked = renormalised(maps(seed)), maps(seed + 1)
    mixed, power = pooled(found, asked, share), share / (1 - share)
    told = renormalised(asked)
    assert mixed.background is not None
    assert found.background is not None
    assert told.background is not None
    np.testing.assert_allclose(mixed.scores.sum(0) + mixed.background, 1, atol=1e-5)
    odds = (np.maximum(told.scores, LEAST) / np.maximum(told.background, LEAST)) ** power
    np.testing.assert_allclose(
        mixed.scores * found.background, found.scores * mixed.background * odds, rtol=1e-3, atol=1e-6
    )
    assert pooled(found, asked, 0.0) is found


@given(st.integers(0, 50))
def test_more_than_half_leaves_less_of_the_learner_until_there_are_maps_alone(seed: int) -> None:
    found, other, asked = renormalised(maps(seed)), renormalised(maps(seed + 2)), maps(seed + 1)
    apart = [np.abs(pooled(found, asked, w).scores - pooled(other, asked, w).scores).max() for w in (0.5, 0.7, 0.9, 1)]
    assert apart == sorted(apart, reverse=True)
    assert apart[-1] == 0


def test_a_class_the_localizer_never_learned_is_not_held_against_the_background() -> None:
    found, asked = renormalised(maps(0)), maps(1)
    silent = asked.with_scores(asked.scores * np.asarray([0, 1, 1], np.float32)[:, None, None], asked.background)
    mixed = pooled(found, silent, 0.5)
    assert mixed.background is not None
    assert found.background is not None
    np.testing.assert_allclose(mixed.scores[0] * found.background, found.scores[0] * mixed.background, atol=1e-6)
    assert not np.allclose(mixed.scores[1] * found.background, found.scores[1] * mixed.background, atol=1e-3)
