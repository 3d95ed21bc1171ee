"""Buttons of scribbling: what they say and do."""

from __future__ import annotations

import pytest

from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.correct.propagate_box import NOTHING_YET, PropagateBox


@pytest.fixture
def box(session, sync, actions, qtbot):
    made = PropagateBox(session, sync, actions)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def test_from_a_scribble_to_a_mask(box, session, sync, settle):
    assert box.said.text() == NOTHING_YET
    assert not box.go.isEnabled()
    assert box.go.text() == "Propagate (R)"
    box.scribble.click()
    assert sync.scribbles.painted is not None
    assert box.scribble.isChecked()
    sync.choose_value(3)
    sync.scribbles.layer.brush_size = 3
    sync.scribbles.layer.paint((12, 24), 3)
    sync.scribbles.record()
    assert box.said.text() == "Scribbled: blue"
    assert not box.add.isHidden()
    box.go.click()
    assert box.go.text() == "Propagating …"
    settle(session)
    assert box.go.text() == "Propagate (R)"
    assert (session.table.mask == 3).any()
    box.add.click()
    assert "blue" in session.table.record.labels
    assert box.add.isHidden()
    settle(session)
    box.strength.setValue(80)
    box.scope.activated.emit(1)
    assert (session.propagation.strength, session.propagation.around) == (0.8, False)
    assert box.percent.text() == "80 %"
    box.strength.sliderReleased.emit()  # propagated again
    settle(session)
    box.clear.click()
    assert box.said.text() == NOTHING_YET
    box.scribble.click()
    assert sync.scribbles.painted is None


def test_without_a_project_nothing_is_offered(box, session):
    session.close_project()
    assert not any(part.isEnabled() for part in (box.scribble, box.go, box.clear))
