"""The hint comes after so many accepted masks, says how much was edited, and can be put off."""

from __future__ import annotations

import pytest

from napari_wsss.core.plan import Plan
from napari_wsss.pipeline.apply import ModelChange
from napari_wsss.session.models.hint import RetrainHint
from napari_wsss.session.models.history import Acceptance
from napari_wsss.session.models.statistics import Figures
from tests.session.conftest import Sitting


@pytest.fixture
def hint(sitting: Sitting) -> RetrainHint:
    sitting.session.hint.every = 4
    return sitting.session.hint


def tell(hint: RetrainHint, edited: list[float | None], model_after: int = 0) -> str:
    found = tuple(Acceptance(i + 1, 0.0, f"{i}.png", share) for i, share in enumerate(edited))
    changes = (ModelChange(model_after, 0.0, Plan(), Plan()),) if model_after else ()
    hint._statistics.figures = Figures(found, changes)
    hint._statistics.changed.emit()
    return hint.text


def test_it_is_due_after_every_few_masks(hint: RetrainHint) -> None:
    told: list[str] = []
    hint.changed.connect(lambda: told.append(hint.text))
    assert tell(hint, [0.3] * 3) == ""
    assert "corrected 30 %" in tell(hint, [0.3] * 4)
    assert "30 % → 10 %" in tell(hint, [0.3] * 4 + [0.1] * 4)
    assert hint.curve == [(4.0, pytest.approx(0.3)), (8.0, pytest.approx(0.1))]
    hint.later()
    assert hint.text == ""
    assert tell(hint, [0.3] * 4 + [0.1] * 7) == ""
    assert "30 % → 0 %" in tell(hint, [0.3] * 4 + [0.1] * 4 + [0.0] * 4)
    assert told[-1] == hint.text
    assert len(told) == 4


def test_without_edits_known_it_only_counts(hint: RetrainHint) -> None:
    assert tell(hint, [None] * 4) == "4 masks accepted so far. Retrain with them?"


def test_another_model_starts_the_count_anew(hint: RetrainHint) -> None:
    assert tell(hint, [0.3] * 5)
    hint.later()
    assert tell(hint, [0.3] * 8, model_after=5) == ""
    assert "20 % of their pixels" in tell(hint, [0.3] * 5 + [0.2] * 4, model_after=5)


def test_how_often_it_comes_is_a_matter_of_taste(hint: RetrainHint) -> None:
    assert tell(hint, [0.3] * 8)
    hint.remind_every(0)
    assert hint.text == ""
    assert tell(hint, [0.3] * 40) == ""
    hint.remind_every(20)
    assert hint.text
    hint.later()
    hint.remind_every(10)
    assert hint.text == "", "put off is put off"
    assert tell(hint, [0.3] * 50)


def test_accepting_is_enough_for_it_to_come(computed: Sitting) -> None:
    session = computed.session
    session.hint.every = 2
    session.decisions.accept()
    computed.settle()
    assert session.hint.text == ""
    session.decisions.accept()
    computed.settle()
    assert session.hint.text
    session.decisions.undo()
    computed.settle()
    assert session.hint.text == ""
