from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_wsss.core.maps import ActivationMaps
from training.pixel_learner.weak_examples import FADED, MARGIN, NOTHING, SURE, faded, weak_example

SCORES = arrays(np.float32, (2, 5, 6), elements=st.floats(0, 1, width=32))


@given(SCORES)
def test_only_what_maps_are_sure_of_and_the_image_is_labelled_with_counts(scores: np.ndarray) -> None:
    found = weak_example("a.png", (1, 4), ActivationMaps(scores, (1, 4)))
    best, other = scores.max(0), scores.min(0)
    assert found.shown <= {0, 2, 5}
    assert not found.whole
    assert ((found.values == 0) == (best <= NOTHING)).all()
    said = (found.values != 0) & (found.weights > 0)
    assert (said == ((best >= SURE) & (best - other >= MARGIN))).all()
    assert (scores[(found.values[said] == 5).astype(int), *np.nonzero(said)] == best[said]).all()


def test_the_only_class_needs_no_margin_and_no_maps_say_nothing() -> None:
    one = weak_example("a.png", (0,), ActivationMaps(np.full((1, 2, 2), 0.6, np.float32), (0,)))
    assert one.shown == {1}
    assert weak_example("a.png", (), ActivationMaps(np.zeros((0, 2, 2), np.float32), ())).shown == frozenset()


def test_maps_count_less_with_every_corrected_image_and_then_no_more() -> None:
    weights = [faded(0.03, count) for count in range(FADED + 10)]
    assert weights[0] == pytest.approx(0.03)
    assert weights == sorted(weights, reverse=True)
    assert set(weights[FADED:]) == {0.0}
    assert min(weights[:FADED]) > 0
