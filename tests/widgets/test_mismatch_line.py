"""The line is there while mask and labels differ and nobody has answered; each button is one answer."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.mismatch_line import MismatchLine


@pytest.fixture
def line(session, qtbot):
    made = MismatchLine(session.mismatch)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def paint(session, *values):
    mask = np.zeros_like(session.table.mask)
    for row, value in enumerate(values):
        mask[row] = value
    session.table.replace_mask(mask)
    session.table.canvas.proposal_ignored = False  # another question


def test_it_asks_what_differs_and_goes_with_the_answer(line, session):
    assert line.isHidden()
    paint(session, 1, 3)
    assert not session.decisions.accept()
    assert not line.isHidden()
    assert line.text.text() == "no pixel of green; blue painted, but not a label"
    assert not line.take.isHidden()
    assert not line.add.isHidden()
    assert (line.take.text(), line.add.text()) == ("Take label away", "Add label")
    line.keep.click()
    assert line.isHidden()
    assert session.project.catalog.get("p0.png").state == "accepted"


def test_one_answer_leaves_the_other_question(line, session):
    paint(session, 1, 3)
    session.decisions.accept()
    line.take.click()
    assert line.text.text() == "blue painted, but not a label"
    assert line.take.isHidden()
    line.add.click()
    assert line.isHidden()
    record = session.project.catalog.get("p0.png")
    assert (record.state, record.labels) == ("accepted", {"red", "blue"})
    assert not record.mismatch


def test_several_labels_are_called_so(line, session):
    paint(session, 3)
    session.decisions.accept()
    assert line.text.text() == "no pixel of red and green; blue painted, but not a label"
    assert line.take.text() == "Take labels away"
