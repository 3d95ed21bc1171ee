"""One image whose turn it is: what is left to do of it."""

from __future__ import annotations

import numpy as np

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.pipeline.ready import Ready, looks_by_window
from napari_wsss.pixels.surest_regions import Guarded
from napari_wsss.project.project import Project
from tests.pipeline.test_run import project

__all__ = ["project"]


def test_what_is_stored_says_what_is_left(project: Project) -> None:
    item, maps = Lineage.of(project, "a.png"), ActivationMaps.empty(60, 72)
    mask = Guarded(np.zeros((60, 72), np.uint8), ())
    assert Ready(item, None).needs_maps
    assert Ready(item, None).is_gathered
    assert not Ready(item, None, is_large=True).is_gathered, "others may be computed with it only where it fits"
    assert not Ready(item, None, new=maps).needs_maps
    assert not Ready(item, maps).needs_maps
    assert [Ready(item, base, found).is_whole for base in (None, maps) for found in (None, mask)] == [0, 0, 0, 1]


def test_photographs_are_not_looked_at_by_the_window(project: Project) -> None:
    assert not looks_by_window(Lineage.of(project, "a.png"), background=True)
