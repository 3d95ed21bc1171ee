"""What is left of an image's chain, and what of it is taken from what is stored."""

from __future__ import annotations

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.pipeline.refining import furthest
from napari_wsss.project.project import Project
from tests.pipeline.test_run import SLOW_STEP, change_plan, project, propose

__all__ = ["project"]


def test_a_chain_goes_on_behind_its_last_slow_step_that_is_stored(project: Project) -> None:
    change_plan(project, refiners=(*project.plan.refiners[:1], SLOW_STEP))
    item, base = Lineage.of(project, "a.png"), ActivationMaps.empty(60, 72)
    assert furthest(item, base, len(item.links)) == (0, base)
    propose(project, "a.png")
    position, maps = furthest(item, base, len(item.links))
    assert position == len(item.links)
    assert maps.classes == item.classes
    assert furthest(item, base, 1) == (0, base)
