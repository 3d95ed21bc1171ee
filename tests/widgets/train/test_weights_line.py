"""The line is there while weights are missing; each of its ways on is taken, then the start is asked for again."""

from __future__ import annotations

import pytest

from napari_wsss.session.runs import trunk_weights
from napari_wsss.widgets.train import weights_line
from napari_wsss.widgets.train.weights_line import WeightsLine
from tests.widgets.conftest import _answered


@pytest.fixture
def asked(session, qtbot, monkeypatch, settle):
    """Return the line of a session whose weights are missing, and how often it asked for the start again."""
    monkeypatch.setattr(trunk_weights, "find_missing_weights", lambda _trunk, source: _answered(f"no {source}."))
    again = []
    line = WeightsLine(session.trunk_weights, lambda: again.append(1))
    qtbot.addWidget(line)
    assert line.isHidden()
    session.trunk_weights.when_there({}, lambda: again.append("started"))
    settle(session)
    return line, again


def test_what_is_missing_is_said_with_the_name_of_its_field(asked):
    line, again = asked
    assert not line.isHidden()
    assert line.text.text() == "Encoder weights: no imagenet."
    assert not again
    line.retry.click()
    assert again == [1]


def test_a_file_or_random_weights_are_chosen_for_the_project(asked, session, monkeypatch):
    line, again = asked
    for answer, chosen in (("", "imagenet"), ("own.pth", "own.pth")):
        monkeypatch.setattr(weights_line.QFileDialog, "getOpenFileName", lambda *_, answer=answer: (answer, ""))
        line.file.click()
        assert session.trunk_weights.chosen == chosen
    assert line.isHidden()
    line.scratch.click()
    assert session.trunk_weights.chosen == "none"
    assert again == [1, 1]
