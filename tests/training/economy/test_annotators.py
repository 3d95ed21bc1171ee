from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.scribbles import as_seeds
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import read_scribbles
from tests.tiny_project import IDS
from training.economy.annotators import (
    POLICIES,
    SATISFACTIONS,
    Boxes,
    ClicksOnThings,
    Corrections,
    DeepestErrorClicks,
    ErrorScribbles,
    FullMasks,
    Polygons,
    Tags,
)
from training.economy.costs import Costs
from training.economy.hand import Hand, Noise
from training.economy.things import agreement

COSTS = Costs(click=2.0, full_mask=80.0, accept=1.0, tag=3.0, box=7.0, vertex=2.0, stroke=1.5)


def truth() -> np.ndarray:
    values = np.zeros((6, 8), np.uint8)
    values[1:4, 1:3], values[2:5, 5:8] = 1, 2
    return values


def scene() -> np.ndarray:
    """Return a cat and a dog on a picture large enough to be brushed on."""
    values = np.zeros((90, 120), np.uint8)
    values[10:50, 10:40], values[30:80, 60:110] = 1, 2
    return values


@pytest.fixture
def wide(tmp_path, project: Project) -> Project:
    """Return the tiny project with pictures as large as `scene`."""
    from PIL import Image

    for image_id in IDS:
        Image.new("RGB", (120, 90)).save(project.image_path(image_id))
    return project


def seeds_of(project: Project) -> tuple[np.ndarray, np.ndarray]:
    scribbles = read_scribbles(project, IDS[0])
    assert scribbles is not None
    return as_seeds(scribbles, project.classes)


def test_tags_cost_by_the_class_and_change_nothing_that_is_known(project: Project) -> None:
    before = project.catalog.get(IDS[0])
    assert Tags(Hand(COSTS)).annotate(project, IDS[0], truth(), None) == 6
    assert project.catalog.get(IDS[0]) == before


def test_full_masks_are_accepted(project: Project) -> None:
    assert FullMasks(Hand(COSTS)).annotate(project, IDS[0], truth(), None) == 161
    found = project.masks.read_accepted(IDS[0])
    assert found is not None
    assert np.array_equal(found, truth())


def test_polygons_follow_things_and_cost_by_the_corner(wide: Project) -> None:
    seconds = Polygons(Hand(COSTS)).annotate(wide, IDS[0], scene(), None)
    found = wide.masks.read_accepted(IDS[0])
    assert found is not None
    assert agreement(scene(), found) > 0.9
    assert seconds == 1 + 2 * 8  # two rectangles


def test_boxes_say_what_is_background_and_clicks_what_is_inside(wide: Project) -> None:
    assert Boxes(Hand(COSTS)).annotate(wide, IDS[0], scene(), None) == 2 * (7 + 2)
    draft = wide.masks.read_draft(IDS[0])
    assert draft is not None
    assert np.array_equal(draft == 255, scene() > 0)  # the things are boxes themselves
    seeds, seeded = seeds_of(wide)
    assert sorted(seeds[seeded]) == [1, 2]


def test_clicks_become_scribbles(project: Project) -> None:
    assert ClicksOnThings(Hand(COSTS)).annotate(project, IDS[0], truth(), None) == 6
    seeds, seeded = seeds_of(project)
    assert seeded.sum() == 3
    assert np.array_equal(seeds[seeded], truth()[seeded])
    assert project.catalog.state(IDS[0]) == "todo"


def test_the_robot_adds_a_click_per_visit_until_nothing_is_wrong(project: Project) -> None:
    robot, shown = DeepestErrorClicks(Hand(COSTS)), np.zeros((6, 8), np.uint8)
    assert robot.annotate(project, IDS[0], truth(), None) == 4
    shown[2:5, 5:8] = 2
    assert robot.annotate(project, IDS[0], truth(), shown) == 2
    seeds, seeded = seeds_of(project)
    assert sorted(seeds[seeded]) == [0, 1, 2]
    assert robot.annotate(project, IDS[0], truth(), truth()) == 1


def test_a_scribble_runs_inside_the_largest_error_and_costs_by_its_length(wide: Project) -> None:
    robot, shown = ErrorScribbles(Hand(COSTS)), scene()
    shown[30:80, 60:110] = 0
    seconds = robot.annotate(wide, IDS[0], scene(), shown)
    seeds, seeded = seeds_of(wide)
    assert (scene()[seeded] == 2).all()
    assert set(seeds[seeded]) == {2}
    assert 1.5 < seconds < 1.5 + 2 * 120 / 300
    assert robot.annotate(wide, IDS[0], scene(), scene()) == 1


def test_before_anything_is_shown_background_is_scribbled_on_too(wide: Project) -> None:
    ErrorScribbles(Hand(COSTS)).annotate(wide, IDS[0], scene(), None)
    seeds, seeded = seeds_of(wide)
    assert np.array_equal(seeds[seeded], scene()[seeded])
    assert set(seeds[seeded]) == {0, 2}


@pytest.mark.parametrize("shown", [None, np.zeros((90, 120), np.uint8), np.where(scene() == 1, 2, scene())])
def test_corrections_end_in_an_accepted_mask_that_is_nearly_true(wide: Project, shown: np.ndarray | None) -> None:
    seconds = Corrections(Hand(COSTS)).annotate(wide, IDS[0], scene(), shown)
    found = wide.masks.accepted(IDS[0])
    assert found is not None
    assert agreement(scene(), found.values) > 0.8
    assert seconds > 1 + 1.5
    changed = found.values != (0 if shown is None else shown)
    assert found.sources.person[changed].all()
    if shown is not None:
        assert found.sources.machine.any()  # what was proposed and left
    assert wide.masks.read_draft(IDS[0]) is None


def test_more_spill_more_wrong(wide: Project) -> None:
    def agreed(spill: float) -> float:
        hand = Hand(COSTS, Noise(spill=spill))
        Corrections(hand).annotate(wide, IDS[0], scene(), np.zeros((90, 120), np.uint8))
        return agreement(scene(), wide.masks.read_accepted(IDS[0]))

    assert agreed(0.0) > agreed(1.0)


def test_a_proposal_that_satisfies_is_accepted_as_it_is(wide: Project) -> None:
    good = scene()
    good[10:11, 10:40] = 0  # of a cat of 40 rows
    annotator = Corrections(Hand(COSTS), (0.9,))
    assert annotator.annotate(wide, IDS[0], scene(), good) == 1
    assert np.array_equal(wide.masks.read_accepted(IDS[0]), good)
    assert wide.masks.accepted(IDS[0]).sources.machine.all()


def test_who_is_easily_satisfied_is_done_sooner(wide: Project) -> None:
    seconds = [
        Corrections(Hand(COSTS), (enough,)).annotate(wide, IDS[0], scene(), np.zeros((90, 120), np.uint8))
        for enough in (0.5, 0.99)
    ]
    assert seconds[0] < seconds[1]
    assert min(SATISFACTIONS) == 0.8


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_costs_something_and_gives_something(wide: Project, policy: str) -> None:
    before = wide.journal.recent(1)
    annotator = POLICIES[policy](Hand(COSTS))
    shown = np.zeros((90, 120), np.uint8) if annotator.looks else None
    assert annotator.annotate(wide, IDS[0], scene(), shown) > 0
    assert annotator.rounds >= 1
    given = wide.journal.recent(1) != before or read_scribbles(wide, IDS[0]) is not None
    assert given or policy == "tags"
