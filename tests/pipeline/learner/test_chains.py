from __future__ import annotations

import sys

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.learner import chains
from napari_wsss.pipeline.learner.chains import (
    is_own_chain,
    learner_chain,
    missing_of_chain,
    plan_of_maps,
    recommended_chain,
)


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


def test_without_a_crf_the_background_alone_remains(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(step: Step) -> None:
        raise StepError(f"{step.method} is not installed")

    monkeypatch.setattr(chains, "build_refiner", refuse)
    assert [step.method for step in recommended_chain()] == ["power_background"]


def test_a_missing_crf_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydensecrf.densecrf", None)
    assert [step.method for step in recommended_chain()] == ["power_background"]
    assert "Pixel correlation" in missing_of_chain()


def test_maps_propose_by_the_recommended_chain_whatever_comes_behind_a_learner() -> None:
    plan = Plan(
        refiners=learner_chain(),
        localizer_checkpoint="training/a/best.safetensors",
        segmenter_checkpoint="training/learner/0001.safetensors",
        every_pixel=True,
    ).with_override("image:a.png", "dense_crf", {"iterations": 1})
    found = plan_of_maps(plan)
    assert (found.refiners, found.overrides, found.segmenter_checkpoint) == (recommended_chain(), {}, "")
    assert (found.localizer_checkpoint, found.every_pixel) == (plan.localizer_checkpoint, True)
    assert plan_of_maps(found) == found
