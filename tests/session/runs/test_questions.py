"""What only torch knows is asked in a child process; this process never loads torch."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import finish
from napari_wsss.session.runs import questions
from napari_wsss.session.runs.questions import describe_device, describe_stage

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


@needs_torch
@pytest.mark.parametrize("stage", ["classifier", pytest.param("segmentation", marks=pytest.mark.slow)])
def test_a_stage_describes_its_options(stage: str) -> None:
    fields = finish(describe_stage(stage))
    assert {"epochs", "batch_size", "learning_rate", "trunk"} <= {entry["name"] for entry in fields}
    assert all({"title", "default", "section"} <= set(entry) for entry in fields)


@needs_torch
def test_the_device_is_one_line() -> None:
    text = finish(describe_device())
    assert any(kind in text for kind in ("CPU", "cuda", "MPS"))
    assert "\n" not in text


def test_an_unknown_stage_is_an_error_for_a_person() -> None:
    with pytest.raises(StepError, match="not possible here"):
        finish(describe_stage("no-such-stage"))


def test_missing_torch_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "_DEVICE", "raise ModuleNotFoundError(\"No module named 'torch'\")")
    with pytest.raises(StepError, match=r"pip install \"napari-wsss\[torch\]\""):
        finish(describe_device())


def test_a_program_that_cannot_start_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(StepError, match="did not answer"):
        finish(describe_device())


def test_only_the_answer_is_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "print('[W nnpack] not a list'); print('[\"a device\"]'); print('[0] nor is this'); print('{}')"
    monkeypatch.setattr(questions, "_DEVICE", code)
    assert finish(describe_device()) == "a device"
    monkeypatch.setattr(questions, "_DEVICE", "print('nothing of use')")
    with pytest.raises(StepError, match="nothing of use"):
        finish(describe_device())


def test_a_question_can_be_taken_back_and_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "_DEVICE", "import time; time.sleep(60)")
    begin = time.monotonic()
    steps = describe_device()
    for _ in range(3):
        next(steps)
    steps.close()
    monkeypatch.setattr(questions, "LONGEST_SECONDS", 0.1)
    with pytest.raises(StepError, match="did not answer within"):
        finish(describe_device())
    assert time.monotonic() - begin < 20
