"""A click paints, the right button offers the rest, and the amounts follow the brush."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.review.legend import MOST_ROWS, Legend


@pytest.fixture
def legend(session, sync, actions, qtbot):
    made = Legend(session, sync, actions)
    qtbot.addWidget(made)
    made.resize(300, made.height())
    made.show()
    yield made
    let_go(made)


def place(legend, value):
    return legend.visualRect(legend.entries.index(legend.entries.row_of(value))).center()


def test_a_click_paints_the_class(legend, sync, qtbot):
    qtbot.mouseClick(legend.viewport(), Qt.MouseButton.LeftButton, pos=place(legend, 3))
    assert sync.value == 3
    assert legend.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_amounts_follow_the_brush(legend, session, sync, qtbot):
    sync.mask.data_setitem((np.arange(5), np.arange(5)), 2)
    sync.commit()
    qtbot.waitUntil(lambda: legend.entries.entry(legend.entries.row_of(2)).pixels == 5, timeout=20000)


def actions_of(legend, value):
    menu = legend.menu_of(legend.entries.index(legend.entries.row_of(value)))
    return {action.text(): action for action in menu.actions() if action.text()}


def test_the_right_button_offers_what_is_possible(legend, session, sync):
    assert list(actions_of(legend, 255)) == ["Copy its proposal into the mask"]
    assert not actions_of(legend, 255)["Copy its proposal into the mask"].isEnabled()
    found = actions_of(legend, 2)
    assert list(found)[1:] == ["Show its map", "Remove its label", "Rename …", "Colour …"]
    found["Show its map"].trigger()
    assert sync.cams.current == "green"
    found["Copy its proposal into the mask"].trigger()
    assert set(np.unique(sync.mask.data)) == {0, 2}
    assert not actions_of(legend, 3)["Show its map"].isEnabled()
    actions_of(legend, 3)["Add its label"].trigger()
    assert "blue" in session.table.record.labels
    actions_of(legend, 2)["Rename …"].trigger()
    editor = legend.viewport().focusWidget() or legend.indexWidget(legend.currentIndex())
    assert editor is None or editor is not legend


def test_many_classes_scroll(legend, session):
    for number in range(12):
        session.class_list.add(f"more {number}")
    assert legend.entries.rowCount() == 17
    assert legend.height() <= (MOST_ROWS + 1) * 24
