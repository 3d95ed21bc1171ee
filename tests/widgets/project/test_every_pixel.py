"""The box that says that every pixel belongs to a class, and the line that suggests it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.project.project import Project
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.project.every_pixel import EveryPixel


@pytest.fixture
def made(empty_session, qtbot):
    made = EveryPixel(empty_session)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def test_it_sets_the_plan_and_proposals_follow(made, model_folder, empty_session, settle):
    assert made.isHidden()
    empty_session.open_project(model_folder)
    settle(empty_session)
    assert not made.isHidden()
    assert (empty_session.table.proposal == 0).any()
    made.box.click()
    settle(empty_session)
    assert empty_session.plan.every_pixel
    assert (empty_session.table.proposal > 0).all()
    made.box.click()
    settle(empty_session)
    assert (empty_session.table.proposal == 0).any()


def test_masks_without_background_suggest_it(made, model_folder, empty_session, qtbot):
    with Project.open(model_folder) as project:
        for image_id in ("p0.png", "p1.png", "p2.png"):
            project.review.accept(image_id, np.ones((24, 32), np.uint8))
    empty_session.open_project(model_folder)
    qtbot.waitUntil(lambda: not made.hint.isHidden(), timeout=20000)
    assert "no background" in made.hint.text()
    made.box.click()
    assert made.hint.isHidden()
    assert not made.box.isHidden()
