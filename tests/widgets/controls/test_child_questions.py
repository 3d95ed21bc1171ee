"""What only torch knows is asked in a child process; this process never loads torch."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.parameters import check
from napari_wsss.core.progress import finish
from napari_wsss.widgets.controls import child_questions
from napari_wsss.widgets.controls.child_questions import describe_device, describe_stage
from napari_wsss.widgets.controls.parameter_form import ParameterForm, described

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


@needs_torch
@pytest.mark.parametrize("stage", ["classifier", pytest.param("segmentation", marks=pytest.mark.slow)])
def test_a_stage_describes_its_options(stage, qtbot):
    fields = finish(describe_stage(stage))
    names = {entry["name"] for entry in fields}
    assert {"epochs", "batch_size", "learning_rate", "trunk"} <= names
    once = list({entry["name"]: entry for entry in fields}.values())
    form = ParameterForm(check(described(stage, once)))
    qtbot.addWidget(form)
    assert set(form.fields) == names
    assert form.values() == {}


@needs_torch
def test_the_device_is_one_line():
    text = finish(describe_device())
    assert any(kind in text for kind in ("CPU", "cuda", "MPS"))
    assert "\n" not in text


def test_an_unknown_stage_is_an_error_for_a_person():
    with pytest.raises(StepError, match="not possible here"):
        finish(describe_stage("no-such-stage"))


def test_missing_torch_names_what_to_install(monkeypatch):
    monkeypatch.setattr(child_questions, "_DEVICE", "raise ModuleNotFoundError(\"No module named 'torch'\")")
    with pytest.raises(StepError, match=r"pip install \"napari-wsss\[torch\]\""):
        finish(describe_device())


def test_a_program_that_cannot_start_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(StepError, match="did not answer"):
        finish(describe_device())
