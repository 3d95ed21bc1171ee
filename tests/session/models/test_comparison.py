"""Before, after and difference of the shown image, one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.pipeline.apply import last_move
from napari_wsss.session.models.comparison import VIEWS
from napari_wsss.session.models.difference import difference, tinted
from napari_wsss.session.models.names import titles_apart
from tests.session.conftest import Sitting
from tests.session.models.test_changes import apply


def press(sitting: Sitting) -> str:
    """Ask for the next view and return what it says."""
    sitting.notices.clear()
    sitting.session.comparison.cycle()
    sitting.settle()
    return " ".join(sitting.notices)


def test_an_undecided_image_shows_both_models(computed: Sitting) -> None:
    session, told = computed.session, []
    table = session.table
    old = table.proposal
    apply(computed, 0.6)
    session.signals.comparison_changed.connect(told.append)
    assert table.classes is not None
    before, after = titles_apart(last_move(session.project))
    assert before != after
    assert press(computed).startswith(f"After: {after}; before: {before}, ")
    shown = session.comparison.shown
    assert shown is not None
    np.testing.assert_array_equal(shown.picture, tinted(table.image, table.proposal, table.classes))
    assert press(computed).startswith(f"Before: {before}")
    np.testing.assert_array_equal(session.comparison.shown.picture, tinted(table.image, old, table.classes))
    assert "striped is gone" in press(computed)
    expected = difference(table.image, old, table.proposal, table.classes)
    np.testing.assert_array_equal(session.comparison.shown.picture, expected)
    assert press(computed) == "The comparison is off."
    assert (session.comparison.view, session.comparison.shown) == ("", None)
    assert set(told) == {"p0.png"}
    assert len(VIEWS) == 4


def test_an_accepted_image_is_compared_with_its_mask(computed: Sitting) -> None:
    session = computed.session
    table = session.table
    computed.paint(3)
    session.decisions.accept(and_next=False)
    session.decisions.accept(and_next=False)  # without the proposal, said twice
    apply(computed, 0.6)
    assert "before: your mask" in press(computed)
    press(computed)
    mask = session.project.masks.read_accepted("p0.png")
    np.testing.assert_array_equal(session.comparison.shown.picture, tinted(table.image, mask, table.classes))


def test_the_view_goes_with_the_person_and_ends_with_paint(computed: Sitting) -> None:
    session = computed.session
    table = session.table
    apply(computed, 0.6)
    press(computed)
    first = session.comparison.shown
    session.navigation.next()
    assert session.comparison.shown is None, "never the picture of another image"
    computed.settle()
    assert session.comparison.view == "after"
    assert session.comparison.shown is not first
    session.sliders.set_threshold(0.05)
    computed.settle()
    after = tinted(table.image, table.proposal, table.classes)
    np.testing.assert_array_equal(session.comparison.shown.picture, after)
    table.touch()
    assert session.comparison.view == ""
    assert session.comparison.shown is None


@pytest.mark.parametrize(("gain", "why"), [(None, "the first model"), (0.6, "left no proposal")])
def test_it_says_why_there_is_nothing_to_compare(computed: Sitting, gain: float | None, why: str) -> None:
    if gain is not None:
        computed.session.project.store.clear("refine")
        apply(computed, gain)
    assert why in press(computed)
    assert computed.session.comparison.shown is None
    assert computed.failures == []
