"""Cleaning shows what it would change, changes it in one step, and follows the brush."""

from __future__ import annotations

import numpy as np

from napari_wsss.pixels.cleanup import CleanUp


def ask(sitting, *args, **kwargs):
    sitting.session.cleaning.ask(*args, **kwargs)
    sitting.settle()
    return sitting.session.cleaning.preview


def test_a_preview_changes_nothing_until_it_is_applied(sitting):
    session, cleaning = sitting.session, sitting.session.cleaning
    told = []
    cleaning.preview_changed.connect(told.append)
    before = sitting.paint(1, slice(2, 12), slice(2, 12))
    before = sitting.paint(2, slice(20, 21), slice(20, 22))
    preview = ask(sitting, CleanUp(smallest=5), protect=False)
    assert preview.text() == "Would change 2 px in 1 region."
    np.testing.assert_array_equal(session.table.mask, before)
    sitting.paint(2, slice(22, 23), slice(0, 1))  # the preview follows
    sitting.settle()
    assert cleaning.preview.pixels == 3
    assert cleaning.apply()
    assert (np.unique(session.table.mask) == [0, 1]).all()
    assert cleaning.preview is None
    assert not cleaning.apply()
    assert told[-1] == "p0.png"
    assert len(told) >= 3
    assert "Cleaned 3 px" in sitting.notices[-1]


def test_what_a_person_drew_is_left_by_default(sitting):
    sitting.paint(2, slice(20, 21), slice(20, 22))
    preview = ask(sitting, CleanUp(smallest=5))
    assert preview.text() == "Would change nothing."


def test_the_proposal_is_cleaned_while_nothing_was_drawn(computed):
    session = computed.session
    ask(computed, CleanUp(smallest=100))
    assert session.cleaning.apply()
    assert np.count_nonzero(session.table.mask == 1) == 120
    assert not (session.table.mask == 2).any()
    assert [source.kind for source in session.table.sources.table] == ["proposal", "clean-up"]
    assert not session.table.person_pixels.any()


def test_one_class_alone(computed):
    preview = ask(computed, CleanUp(smallest=1000), only=2)
    assert (preview.before[preview.after != preview.before] == 2).all()


def test_it_ends_with_the_image_and_without_steps(computed):
    cleaning = computed.session.cleaning
    assert ask(computed, CleanUp(smallest=100)) is not None
    assert ask(computed, CleanUp()) is None
    ask(computed, CleanUp(smallest=100))
    computed.session.navigation.next()
    assert cleaning.preview is None
    cleaning.ask(CleanUp(smallest=100))
    computed.session.navigation.next()
    computed.settle()
    assert cleaning.preview is None
