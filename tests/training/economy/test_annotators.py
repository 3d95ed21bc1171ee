from __future__ import annotations

import numpy as np

from napari_wsss.core.scribbles import as_seeds
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import read_scribbles
from tests.tiny_project import IDS
from training.economy.annotators import ClicksOnThings, DeepestErrorClicks, FullMasks
from training.economy.costs import Costs

COSTS = Costs(click=2.0, full_mask=80.0, accept=1.0)


def truth() -> np.ndarray:
    values = np.zeros((6, 8), np.uint8)
    values[1:4, 1:3], values[2:5, 5:8] = 1, 2
    return values


def test_full_masks_are_accepted(project: Project) -> None:
    assert FullMasks(COSTS).annotate(project, IDS[0], truth(), None) == 161
    found = project.masks.read_accepted(IDS[0])
    assert found is not None
    assert np.array_equal(found, truth())


def test_clicks_become_scribbles(project: Project) -> None:
    assert ClicksOnThings(COSTS).annotate(project, IDS[0], truth(), None) == 6
    scribbles = read_scribbles(project, IDS[0])
    assert scribbles is not None
    seeds, seeded = as_seeds(scribbles, project.classes)
    assert seeded.sum() == 3
    assert np.array_equal(seeds[seeded], truth()[seeded])
    assert project.catalog.state(IDS[0]) == "todo"


def test_the_robot_adds_a_click_per_visit_until_nothing_is_wrong(project: Project) -> None:
    robot, shown = DeepestErrorClicks(COSTS), np.zeros((6, 8), np.uint8)
    assert robot.annotate(project, IDS[0], truth(), None) == 4
    shown[2:5, 5:8] = 2
    assert robot.annotate(project, IDS[0], truth(), shown) == 2
    scribbles = read_scribbles(project, IDS[0])
    assert scribbles is not None
    seeds, seeded = as_seeds(scribbles, project.classes)
    assert sorted(seeds[seeded]) == [0, 1, 2]
    assert robot.annotate(project, IDS[0], truth(), truth()) == 1
