"""The table lists classes with their images; a double click shows one."""

from __future__ import annotations

import pytest

from napari_wsss.session.models.disagreement import Difference
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.disagreement_table import DisagreementTable


@pytest.fixture
def table(session, qtbot):
    made = DisagreementTable(session)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def test_what_was_measured_is_listed(table, session, settle):
    assert "Not compared" in table.text.text()
    table.measure.click()
    settle(session)
    assert "Nothing differs" in table.text.text()
    found = session.disagreement
    found.found = (Difference("p1.png", "red", 0.5, 0.1, 0.2), Difference("p0.png", "red", 0.25, 0, 0.1))
    found.without = 3
    found.changed.emit()
    top = table.tree.topLevelItem(0)
    assert (top.text(0), top.text(1)) == ("red (2)", "38%")
    assert "3 accepted images" in table.text.text()
    wanted = []
    table.wanted.connect(wanted.append)
    table.tree.itemDoubleClicked.emit(top, 0)
    table.tree.itemDoubleClicked.emit(top.child(0), 0)
    assert wanted == ["p1.png"]
