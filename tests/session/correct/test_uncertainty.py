"""The picture is there while wanted; regions come one after the other and leave out what a person has decided."""

from __future__ import annotations

import numpy as np

from napari_wsss.pixels.uncertainty import uncertainty
from tests.session.conftest import Sitting


def test_the_picture_follows_image_and_threshold(computed: Sitting) -> None:
    session, doubts, told = computed.session, computed.session.doubts, []
    doubts.changed.connect(lambda: told.append(doubts.values))
    assert doubts.values is None
    doubts.show(True)
    computed.settle()
    assert session.table.maps is not None
    np.testing.assert_array_equal(doubts.values, uncertainty(session.table.maps, 0.5))
    session.sliders.set_threshold(0.2)
    computed.settle()
    np.testing.assert_array_equal(doubts.values, uncertainty(session.table.maps, 0.2))
    session.navigation.next()
    assert told[-1] is None
    computed.settle()
    np.testing.assert_array_equal(doubts.values, uncertainty(session.table.maps, session.sliders.threshold))
    doubts.show(False)
    assert doubts.values is None
    session.navigation.next()
    computed.settle()
    assert doubts.values is None


def test_regions_come_one_after_the_other_and_round_again(computed: Sitting) -> None:
    doubts = computed.session.doubts
    first = doubts.next_region()
    assert first is not None
    box, number, count = first
    assert number == 1
    assert count >= 2
    assert set(doubts.rivals(box)) <= {"red", "green", "background"}
    found = [doubts.next_region() for _ in range(count)]
    assert [one[1] for one in found if one] == [*range(2, count + 1), 1]
    masses = [one[0].mass for one in [first, *found[:-1]] if one]
    assert masses == sorted(masses, reverse=True)


def test_what_a_person_has_painted_is_not_unsure_any_more(computed: Sitting) -> None:
    doubts = computed.session.doubts
    computed.paint(3, slice(None), slice(None))
    assert doubts.next_region() is None


def test_without_maps_there_is_nothing_to_look_at(sitting: Sitting) -> None:
    assert sitting.session.doubts.next_region() is None
    sitting.session.doubts.show(True)
    sitting.settle()
    assert sitting.session.doubts.values is None
