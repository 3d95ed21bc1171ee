"""The choice of weights stays with the project, and nothing starts without what it wants."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import Progress
from napari_wsss.session.runs import trunk_weights
from tests.session.conftest import Sitting


def answered(answer: str | Exception):
    """Return a question that is answered, or fails."""

    def ask(trunk: str, source: str):
        yield Progress("weights", 0, 1)
        if isinstance(answer, Exception):
            raise answer
        return answer.format(trunk=trunk, source=source)

    return ask


def test_the_choice_is_remembered_for_the_project(sitting: Sitting, project_folder: Path) -> None:
    weights = sitting.session.trunk_weights
    assert (weights.chosen, weights.options()) == ("imagenet", {})
    assert weights.choose("own.pth")
    sitting.session.close_project()
    assert weights.chosen == "imagenet"  # of no project
    sitting.session.open_project(project_folder)
    assert weights.options() == {"trunk_weights": "own.pth"}
    assert weights.choose("imagenet")
    assert weights.options() == {}


def test_a_damaged_choice_is_none(sitting: Sitting) -> None:
    sitting.session.trunk_weights.choose("own.pth")
    (sitting.session.project.training_folder / trunk_weights.FILE).write_bytes(b"\0")
    assert sitting.session.trunk_weights.chosen == "imagenet"


def test_nothing_starts_while_something_is_missing(sitting: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, started = sitting.session.trunk_weights, []
    monkeypatch.setattr(trunk_weights, "find_missing_weights", answered("no {source} for {trunk}"))
    weights.when_there({"trunk": "resnet50"}, lambda: started.append(1))
    assert weights.is_asking
    sitting.settle()
    assert (weights.missing, weights.is_asking, started) == ("no imagenet for resnet50", False, [])
    weights.choose("own.pth")
    assert weights.missing == ""
    weights.when_there({}, lambda: started.append(1))
    sitting.settle()
    assert weights.missing == "no own.pth for mobilenet_v2"
    monkeypatch.setattr(trunk_weights, "find_missing_weights", answered(""))
    weights.when_there({}, lambda: started.append(2))
    sitting.settle()
    assert (weights.missing, started) == ("", [2])


def test_without_an_answer_the_training_itself_says_what_it_lacks(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(trunk_weights, "find_missing_weights", answered(StepError("no answer")))
    sitting.session.trunk_weights.when_there({}, lambda: started.append(1))
    sitting.settle()
    assert started == [1]


def test_a_project_closed_meanwhile_starts_nothing(sitting: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(trunk_weights, "find_missing_weights", answered(""))
    sitting.session.trunk_weights.when_there({}, lambda: started.append(1))
    sitting.session.close_project()
    sitting.settle()
    assert started == []
