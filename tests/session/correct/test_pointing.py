"""Clicks and boxes: what they mean, what comes back, what stays a person's, and how it is taken back."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.scribbles import BACKGROUND_SCRIBBLE
from napari_wsss.pixels.clicks.prompts import Click, PromptBox
from napari_wsss.session.review.decisions import LITTLE

RED = np.s_[6:18, 4:14]
GREEN = np.s_[8:16, 20:28]


@pytest.fixture
def pointed(computed):
    """Return a function that clicks, waits and returns the mask."""

    def go(row, column, value, is_thing=True):
        assert computed.session.pointing.click(Click(row, column, is_thing), value)
        computed.settle()
        return computed.session.table.mask

    return go


def test_a_click_gives_the_thing_under_it_the_class(computed, pointed):
    busy = []
    computed.session.pointing.busy_changed.connect(busy.append)
    mask = pointed(12, 24, 3)  # the green thing is blue
    assert (mask[GREEN] == 3).mean() > 0.9
    assert (mask[RED] == 1).all()  # as proposed
    assert (busy[0], busy[-1]) == (True, False)
    assert {source.kind for source in computed.session.table.sources.table} == {"proposal", "clicked"}
    assert not computed.session.table.person_pixels.any()


def test_a_right_click_takes_the_thing_away(computed, pointed):
    mask = pointed(12, 24, 2, is_thing=False)
    assert not mask[GREEN].any()
    assert (mask[RED] == 1).all()
    again = pointed(12, 8, 0)  # background is chosen: whatever lies there is not there
    assert not again[RED].any()


def test_who_takes_most_of_a_proposal_away_by_clicks_did_not_overlook_it(computed, pointed):
    session = computed.session
    pointed(12, 8, 0)
    assert session.table.canvas.share_of_proposal() < LITTLE
    assert "of what is proposed" not in session.decisions.accepting_means()


def test_where_nothing_is_there_is_nothing_to_take_away(computed):
    pointing = computed.session.pointing
    assert not pointing.click(Click(22, 16, is_thing=False), 1)
    assert "no red" in computed.notices[-1]
    assert not pointing.click(Click(22, 16), 0)
    assert not computed.session.table.mask.any()


def test_what_a_person_drew_stays(computed, pointed):
    computed.paint(2, slice(8, 10), slice(6, 8))
    mask = pointed(14, 10, 1)
    assert (mask[8:10, 6:8] == 2).all()
    assert mask[14, 10] == 1
    assert not computed.session.pointing.click(Click(9, 7), 3)  # what they drew themselves
    assert "drew" in computed.notices[-1]


def test_a_box_holds_the_thing(computed):
    assert computed.session.pointing.box(PromptBox(7, 18, 17, 30), 3)
    computed.settle()
    mask = computed.session.table.mask
    assert (mask[GREEN] == 3).mean() > 0.9
    assert not (mask == 3)[:, :18].any()
    assert not computed.session.pointing.box(PromptBox(1, 1, 5, 5), 0)


def test_each_click_is_a_step_that_undo_takes_back_with_its_mark(computed, pointed):
    session = computed.session
    first = pointed(12, 24, 3).copy()
    pointed(12, 8, 3)
    assert len(session.pointing.prompt.clicks) == 1  # another thing
    assert {int(value) for value in np.unique(session.scribbles.values)} == {0, 3}
    session.table.record_change(first.copy())
    assert session.scribbles.values[12, 24] == 3
    assert session.scribbles.values[12, 8] == 0
    session.table.record_change(np.zeros_like(first))
    assert not session.scribbles.any
    assert session.pointing.prompt.clicks == ()


def test_clicks_near_a_thing_belong_to_it_until_it_ends(computed, pointed):
    pointed(12, 24, 3)
    pointed(15, 25, 3)
    assert len(computed.session.pointing.prompt.clicks) == 2
    assert computed.session.pointing.end()
    assert not computed.session.pointing.end()
    pointed(12, 24, 3)
    assert len(computed.session.pointing.prompt.clicks) == 1


def test_clicks_that_follow_fast_are_answered_together(computed):
    pointing = computed.session.pointing
    assert pointing.click(Click(12, 24), 3)
    assert pointing.click(Click(10, 22), 3)
    computed.settle()
    assert len(pointing.prompt.clicks) == 2
    assert (computed.session.table.mask[GREEN] == 3).mean() > 0.9


def test_painting_meanwhile_stays_and_other_images_are_left_alone(computed):
    pointing = computed.session.pointing
    assert pointing.click(Click(12, 24), 3)
    computed.paint(2, slice(20, 22), slice(0, 5))
    computed.settle()
    assert (computed.session.table.mask[20:22, :5] == 2).all()
    assert (computed.session.table.mask[GREEN] == 3).mean() > 0.9
    assert pointing.click(Click(12, 8), 3)
    computed.session.navigation.next()
    computed.settle()
    assert not computed.session.table.mask.any()
    assert not pointing.busy


def test_background_clicks_are_scribbles_of_background(computed, pointed):
    pointed(12, 24, 2, is_thing=False)
    assert computed.session.scribbles.values[12, 24] == BACKGROUND_SCRIBBLE


def test_nothing_is_answered_read_only(model_folder, sitting_on):
    sitting = sitting_on(model_folder, read_only=True)
    assert not sitting.session.pointing.click(Click(12, 24), 1)
    assert "read-only" in sitting.notices[-1]
