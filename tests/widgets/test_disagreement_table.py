"""The table lists classes with their images; a double click shows one."""

from __future__ import annotations

import pytest

from napari_wsss.session.models.disagreement import Difference
from napari_wsss.session.models.second_masks import Second
from napari_wsss.widgets import disagreement_table
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.disagreement_table import BEFORE, MODEL, PROJECT, DisagreementTable


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
    assert "3 accepted images have no mask of the model." in table.text.text()
    wanted = []
    table.wanted.connect(wanted.append)
    table.tree.itemDoubleClicked.emit(top, 0)
    table.tree.itemDoubleClicked.emit(top.child(0), 0)
    assert wanted == ["p1.png"]


def test_whose_masks_are_the_second_ones_is_chosen(table, session, settle, monkeypatch, tmp_path):
    failed = []
    session.signals.failed.connect(failed.append)
    for kind, chosen, second in (
        (BEFORE, "", Second(before=True)),
        (PROJECT, "", Second(before=True)),  # nothing chosen: as before
        (PROJECT, str(tmp_path), Second(tmp_path)),
        (MODEL, "", Second()),
    ):
        monkeypatch.setattr(disagreement_table.QFileDialog, "getExistingDirectory", lambda *_, chosen=chosen: chosen)
        table.second.activated.emit(table.second.findData(kind))
        settle(session)
        assert session.disagreement.second == second
        assert table.second.currentIndex() == [MODEL, BEFORE, PROJECT].index(
            PROJECT if second.project else BEFORE if second.before else MODEL
        )
    assert len(failed) == 3
