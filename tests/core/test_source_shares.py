"""Shares add up, and object pixels are counted apart."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.source_shares import source_shares
from napari_wsss.core.sources import OTHER_MACHINE, Source, Sources
from napari_wsss.project.project import Project

A = "a.png"
FIRST, SECOND = Source("proposal", "abc"), Source("clean-up", method="smooth")


def test_shares_of_an_accepted_mask(project: Project) -> None:
    assert source_shares(project, A) is None
    values, made_by = np.zeros((6, 8), np.uint8), np.zeros((6, 8), np.uint8)
    values[0, :4] = 1
    made_by[0, :1], made_by[0, 1:4], made_by[1, :6], made_by[2, :2] = 1, 2, 3, OTHER_MACHINE
    project.accept(A, values, sources=Sources(made_by, (FIRST, SECOND)))
    found = source_shares(project, A)
    assert found is not None
    assert found.person + found.machine + found.nobody == pytest.approx(1)
    assert (found.person, found.machine, found.of_objects) == pytest.approx((1 / 48, 11 / 48, 0.25))
    assert found.by_source == ((SECOND, 6 / 48), (FIRST, 3 / 48))
    project.record_stroke(A, np.arange(48), np.zeros(48, np.uint8))
    drawn = source_shares(project, A, accepted=False)
    assert drawn is not None
    assert (drawn.person, drawn.of_objects, drawn.by_source) == (1, 1, ())
    assert source_shares(project, A) == found
