"""From scribbles to the mask: what is asked, what comes back, and what stays a person's."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.scribbles import BACKGROUND_SCRIBBLE

RED = np.s_[6:18, 4:14]
GREEN = np.s_[8:16, 20:28]


@pytest.fixture
def scribbled(computed):
    """Return a function that scribbles, propagates and returns the mask."""

    def go(*strokes, wait=True):
        session = computed.session
        for value, rows, columns in strokes:
            session.scribbles.values[rows, columns] = value
        assert session.scribbles.record(session.scribbles.values)
        assert session.propagation.start()
        if wait:
            computed.settle()
        return session.table.mask

    return go


def test_it_corrects_the_proposal_around_the_scribble(computed, scribbled):
    session = computed.session
    replaced, busy = [], []
    session.signals.mask_replaced.connect(replaced.append)
    session.propagation.busy_changed.connect(busy.append)
    mask = scribbled((3, 12, slice(22, 26)))  # the green thing is blue
    assert (mask[RED] == 1).all()  # as proposed
    assert (mask[GREEN] == 3).mean() > 0.9
    assert replaced == ["p0.png"]
    assert (busy[0], busy[-1]) == (True, False)
    assert "Propagated" in computed.notices[-1]
    assert session.scribbles.any  # they stay for the next round
    assert not session.table.person_pixels.any()
    assert [source.kind for source in session.table.sources.table] == ["proposal", "propagated"]


def test_a_persons_pixels_stay(computed, scribbled):
    own = computed.paint(2, slice(8, 12), slice(6, 10))
    mask = scribbled((1, 16, slice(5, 12)), (BACKGROUND_SCRIBBLE, 22, slice(2, 30)))
    assert (mask[8:12, 6:10] == 2).all()
    assert (own[8:12, 6:10] == 2).all()
    assert (mask[16, 5:12] == 1).all()
    assert (mask[GREEN] == 0).all()  # the mask was not empty, so the proposal is not taken


def test_the_whole_image_asks_the_maps_everywhere(computed, scribbled):
    computed.paint(2, slice(0, 1), slice(0, 1))
    computed.session.propagation.around = False
    mask = scribbled((1, 12, slice(6, 12)))
    assert (mask[RED] == 1).mean() > 0.9
    assert (mask[GREEN] == 2).mean() > 0.9
    assert mask[0, 0] == 2


def test_an_accepted_empty_mask_is_not_filled_with_the_proposal(computed, scribbled):
    session = computed.session
    computed.paint(1)
    session.decisions.accept(and_next=False)
    computed.paint(0, slice(None), slice(None))
    session.decisions.accept(and_next=False)
    session.decisions.accept(and_next=False)  # asked once
    computed.session.navigation.go_to("p0.png")
    mask = scribbled((1, 12, slice(6, 12)))
    assert not mask[GREEN].any()


def test_painting_meanwhile_stays_and_other_images_are_left_alone(computed, scribbled):
    scribbled((1, 12, slice(6, 12)), wait=False)
    computed.paint(3, slice(20, 22), slice(0, 5))
    computed.settle()
    assert (computed.session.table.mask[20:22, :5] == 3).all()
    assert (computed.session.table.mask[RED] == 1).mean() > 0.9
    scribbled((2, 12, slice(6, 12)), wait=False)
    computed.session.navigation.next()
    computed.settle()
    assert not computed.session.table.mask.any()


def test_without_scribbles_or_maps(sitting):
    session = sitting.session
    assert not session.propagation.start()
    assert "Scribble" in sitting.notices[-1]
    session.propagation.prepare()
    sitting.settle()
    session.scribbles.values[12, 6:12] = 1
    assert session.propagation.start()
    sitting.settle()
    assert (session.table.mask[RED] == 1).mean() > 0.9
    assert not session.table.mask[GREEN].any()
