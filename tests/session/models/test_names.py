"""Models are called by their method and when they came, not by their folders."""

from __future__ import annotations

import time

from napari_wsss.core.plan import Plan, Step
from napari_wsss.session.models.names import model_title


def test_a_model_is_called_by_its_method() -> None:
    plan = Plan(localizer=Step("seam"), localizer_checkpoint="training/classifier-ab12/best.safetensors")
    assert model_title(plan) == "SEAM"
    when = time.mktime((2026, 11, 30, 17, 55, 0, 0, 0, -1))
    assert model_title(plan, when) == f"SEAM since {time.strftime('%d %b', time.localtime(when))} 17:55"


def test_states_of_a_learner_are_told_by_their_number() -> None:
    learned = Plan(segmenter=Step("pixel_classifier"), segmenter_checkpoint="training/learner/0007.safetensors")
    assert model_title(learned, field="segmenter_checkpoint").endswith(", lesson 7")
    strange = Plan(segmenter=Step("pixel_classifier"), segmenter_checkpoint="training/learner/mine.safetensors")
    assert "mine" not in model_title(strange, field="segmenter_checkpoint")


def test_no_model_is_said() -> None:
    assert model_title(Plan()) == "no model"
