"""Pixels get a class over what lies there: the proposal while nothing is drawn, then the mask."""

from __future__ import annotations

import numpy as np

from napari_wsss.core.sources import Source
from napari_wsss.session.correct.filling import fill

RED = np.s_[6:18, 4:14]


def test_it_fills_over_the_proposal_and_leaves_what_a_person_drew(computed):
    table, decisions = computed.session.table, computed.session.decisions
    where = np.zeros(table.mask.shape, bool)
    where[:4, :4] = True
    fill(table, decisions, where, 3, Source("clicked", method="test"))
    assert (table.mask[:4, :4] == 3).all()
    assert (table.mask[RED] == 1).all()
    assert [source.kind for source in table.sources.table] == ["proposal", "clicked"]
    computed.paint(2, slice(0, 2), slice(0, 2))
    fill(table, decisions, where, 1, Source("clicked", method="test"))
    assert (table.mask[:2, :2] == 2).all()
    assert (table.mask[2:4, :4] == 1).all()
