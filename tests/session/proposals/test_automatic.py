"""The background strength is estimated while maps are computed, counts below what a person chose, and can come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.background import AutomaticBackground
from napari_wsss.core.plan import Step
from napari_wsss.pipeline import background
from napari_wsss.project.project import Project
from napari_wsss.session.proposals import automatic
from tests.session.conftest import Sitting, colours_plan, stored_proposal

CONSTANT = "constant_background"


@pytest.fixture
def folder(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project whose background nobody has chosen; six images are enough to estimate it."""
    monkeypatch.setattr(background, "ENOUGH", 4)
    monkeypatch.setattr(automatic, "ENOUGH", 4)
    with Project.open(model_folder) as project:
        project.set_plan(colours_plan(Step(CONSTANT)))
    return model_folder


@pytest.fixture
def followed(folder: Path, sitting_on: Callable[[Path], Sitting]) -> Sitting:
    """Return a session after its inference."""
    sitting = sitting_on(folder)
    sitting.session.inference.start()
    sitting.settle()
    assert not sitting.failures
    return sitting


def test_it_is_estimated_from_the_maps_and_drawn_with(followed: Sitting) -> None:
    session = followed.session
    found = session.table.plan.automatic
    assert found is not None
    assert found.images >= 4
    assert 0.05 < found.threshold < 0.8
    assert session.sliders.threshold == pytest.approx(found.threshold, abs=1e-5)
    assert session.parameters.why(CONSTANT)[0].place == "automatic"
    assert any("automatic background threshold" in notice for notice in followed.notices)
    for image_id in ("p0.png", "p5.png"):
        session.navigation.go_to(image_id)
        followed.settle()
        np.testing.assert_array_equal(session.table.proposal, session.table.maps.to_mask(found.threshold))
        np.testing.assert_array_equal(stored_proposal(session.project, image_id), session.table.proposal)


def test_moving_it_makes_it_fixed_and_forgetting_brings_it_back(followed: Sitting) -> None:
    session = followed.session
    estimated = session.sliders.threshold
    for scope, place in (("image", "this image"), ("project", "the project")):
        session.sliders.set_threshold(0.7, scope)
        session.sliders.keep()
        followed.settle()
        assert session.sliders.threshold == pytest.approx(0.7)
        assert session.parameters.why(CONSTANT)[0].place == place
        assert session.parameters.forget(CONSTANT, "background_threshold")
        followed.settle()
        assert session.sliders.threshold == pytest.approx(estimated, abs=1e-5)
        assert session.parameters.why(CONSTANT)[0].place == "automatic"
    assert not session.parameters.forget(CONSTANT, "background_threshold")


def test_it_is_no_change_that_a_person_can_take_back(followed: Sitting) -> None:
    """The last one is still that of the test's own preparation."""
    assert followed.session.parameters.last_change == f"{CONSTANT}: background_threshold 0.5 → – (project)"


def test_what_is_known_is_not_estimated_again(followed: Sitting) -> None:
    session = followed.session
    ids = background.sample_of(session.project)
    assert not session.automatic.estimate(ids)
    fixed = replace(session.table.plan, automatic=None)
    fixed = replace(fixed, refiners=(Step(CONSTANT, {"background_threshold": 0.5}),))
    session.sliders.change_plan(fixed)
    assert not session.automatic.estimate(ids), "nothing follows it"


def test_too_few_images_keep_what_the_method_declares(folder: Path, sitting_on: Callable[[Path], Sitting]) -> None:
    with Project.open(folder) as project:
        project.set_plan(replace(project.plan, automatic=AutomaticBackground(0.44)))
    sitting = sitting_on(folder)
    sitting.session.inference.start(["p0.png", "p1.png"])
    sitting.settle()
    assert sitting.session.table.plan.automatic == AutomaticBackground(0.44)
    assert sitting.session.sliders.threshold == pytest.approx(0.44, abs=1e-5)
