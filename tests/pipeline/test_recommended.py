from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from napari_wsss.core.plan import Step
from napari_wsss.pipeline.apply import apply, apply_earlier, model_changes
from napari_wsss.pipeline.background import declared_background
from napari_wsss.pipeline.learner.chains import recommended_chain
from napari_wsss.pipeline.recommended import Offer, chain_for, is_wanted, take
from napari_wsss.project.project import Project

FIRST = Offer("First maps", "seam", "training/a/first.safetensors", is_first=True)
SEAM = Offer("SEAM", "seam", "training/a/best.safetensors")
LPCAM = Offer("LPCAM on SEAM", "lpcam", "training/b/best.safetensors")


def test_an_offer_is_written_and_read() -> None:
    assert Offer.from_dict(FIRST.to_dict()) == FIRST
    with pytest.raises(KeyError):
        Offer.from_dict({"title": "SEAM"})


def test_model_and_chain_are_one_change(project: Project) -> None:
    assert take(project, SEAM)
    assert project.plan.localizer.method == "seam"
    assert project.plan.localizer_checkpoint == SEAM.checkpoint
    assert project.plan.refiners == recommended_chain()
    assert project.plan.automatic == declared_background("seam")
    assert len(model_changes(project)) == 1
    assert len(project.journal.recent(10)) == 1


def test_each_offer_begins_with_a_background_of_its_own() -> None:
    powers = [chain_for(offer)[0].parameters["background_power"] for offer in (FIRST, SEAM, LPCAM)]
    np.testing.assert_allclose(powers, [4.0, 1.34, 0.89], rtol=0.02)


def test_a_persons_chain_stays(project: Project) -> None:
    own = (Step("constant_background"),)
    project.set_plan(replace(project.plan, refiners=own))
    take(project, SEAM)
    assert project.plan.refiners == own


def test_an_offer_is_taken_once_and_what_a_person_went_back_from_stays_away(project: Project) -> None:
    assert is_wanted(project, SEAM)
    apply(project, "localize", "cam", project.folder / "training/before/best.safetensors")
    before = project.plan
    offer = replace(SEAM, time=time.time())
    assert is_wanted(project, offer)
    take(project, offer)
    assert not is_wanted(project, offer)
    apply_earlier(project, before)
    assert not is_wanted(project, offer)
    assert is_wanted(project, replace(offer, time=time.time()))  # another start, whose training was found


def test_first_maps_are_for_a_project_without_a_model(project: Project) -> None:
    assert is_wanted(project, FIRST)
    apply(project, "localize", "cam", project.folder / "training/before/best.safetensors")
    assert not is_wanted(project, FIRST)
