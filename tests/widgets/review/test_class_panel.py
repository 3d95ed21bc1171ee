"""Labels, classes and uncertainty in one place, with the keys as they are now."""

from __future__ import annotations

import pytest

from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.review.class_panel import ClassPanel


@pytest.fixture
def panel(session, sync, actions, qtbot):
    made = ClassPanel(session, sync, actions)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def test_uncertainty_is_ticked(panel, session, viewer, settle):
    panel.unsure.click()
    settle(session)
    assert "uncertainty" in viewer.layers
    panel.unsure.click()
    assert "uncertainty" not in viewer.layers


def test_the_button_and_the_keys_ask_for_the_same(panel, session, actions):
    said = []
    session.signals.notice.connect(said.append)
    panel.jump.click()
    actions.run("most_uncertain")
    assert [text[:17] for text in said] == ["Uncertain place 1", "Uncertain place 2"]
    actions.run("choose_class")
    assert panel.class_popup.isVisible()
    panel.class_popup.close()
    actions.run("edit_labels")
    assert panel.chips.popup.isVisible()
    panel.chips.popup.close()


def test_tooltips_name_the_keys_as_they_are(panel, session):
    assert panel.jump.toolTip().endswith("(J)")
    session.own_keys.choose("most_uncertain", "F7")
    assert panel.jump.toolTip().endswith("(F7)")


def test_it_is_narrow(panel):
    assert panel.minimumSizeHint().width() <= 330
