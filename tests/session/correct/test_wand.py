"""The wand shows what it would fill, fills it in one step, and leaves a person's pixels."""

from __future__ import annotations

import numpy as np

RED, GREEN = np.s_[6:18, 4:14], np.s_[8:16, 20:28]


def test_it_shows_then_fills_and_remembers_its_tolerance(computed):
    session, told = computed.session, []
    session.wand.changed.connect(lambda: told.append(session.wand.region is not None))
    computed.paint(2, slice(8, 10), slice(6, 8))
    assert session.wand.hold(12, 8)
    session.wand.reach(60)
    assert session.wand.region[RED].mean() > 0.9
    assert not session.table.mask[GREEN].any()
    assert session.wand.fill(3)
    mask = session.table.mask
    assert (mask[RED] == 3).mean() > 0.9
    assert (mask[8:10, 6:8] == 2).all()
    assert told == [True, True, False]
    assert session.wand.tolerance == 60
    assert not session.wand.fill(3)


def test_it_lets_go_with_the_image_and_holds_nothing_read_only(model_folder, sitting_on):
    session = sitting_on(model_folder).session
    assert session.wand.hold(12, 8)
    session.navigation.next()
    assert session.wand.region is None
    session.close_project()
    assert not session.wand.hold(1, 1)
    assert not sitting_on(model_folder, read_only=True).session.wand.hold(12, 8)
