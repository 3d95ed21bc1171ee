from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline import recommended
from napari_wsss.pipeline.apply import apply, apply_earlier, model_changes
from napari_wsss.pipeline.background import declared_background
from napari_wsss.pipeline.recommended import Offer, chain_for, is_own_chain, is_wanted, recommended_chain, take
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


@pytest.mark.parametrize(
    ("refiners", "expected"),
    [
        (Plan().refiners, False),
        (recommended_chain(), False),
        ((Step("constant_background"),), True),
        ((Step("power_background", {"background_power": 3.0}),), True),
        ((*recommended_chain(), Step("class_gain")), True),
    ],
)
def test_what_a_person_chose_is_told_from_what_was_set_here(refiners: tuple[Step, ...], expected: bool) -> None:
    assert is_own_chain(Plan(refiners=refiners)) is expected


def test_each_offer_begins_with_a_background_of_its_own() -> None:
    powers = [chain_for(offer)[0].parameters["background_power"] for offer in (FIRST, SEAM, LPCAM)]
    np.testing.assert_allclose(powers, [4.0, 1.34, 0.89], rtol=0.02)


def test_a_persons_chain_stays(project: Project) -> None:
    own = (Step("constant_background"),)
    project.set_plan(replace(project.plan, refiners=own))
    take(project, SEAM)
    assert project.plan.refiners == own


LPCAM = Offer("LPCAM on SEAM", "lpcam", "training/b/best.safetensors")


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


def test_without_a_crf_the_background_alone_remains(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(step: Step) -> None:
        raise StepError(f"{step.method} is not installed")

    monkeypatch.setattr(recommended, "build_refiner", refuse)
    assert [step.method for step in chain_for(LPCAM)] == ["power_background"]


def test_a_missing_crf_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydensecrf.densecrf", None)
    assert [step.method for step in recommended_chain()] == ["power_background"]
    assert "Pixel correlation" in recommended.missing_of_chain()
