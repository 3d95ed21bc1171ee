"""Chips remove labels; the popup adds and removes them while typing."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QPushButton

from napari_wsss.widgets.review.label_editor import LabelChips


@pytest.fixture
def chips(session, qtbot):
    made = LabelChips(session)
    qtbot.addWidget(made)
    session.signals.labels_changed.connect(made.refresh, max_args=0)
    return made


def texts(chips):
    layout = chips.layout()
    widgets = [layout.itemAt(position).widget() for position in range(layout.count())]
    return [widget.text().split("  ")[0] for widget in widgets if isinstance(widget, QPushButton)]


def test_a_chip_per_label_and_a_click_removes_it(chips, session):
    assert texts(chips) == ["red", "green"]
    chips.layout().itemAt(0).widget().click()
    assert session.table.record.labels == {"green"}
    assert texts(chips) == ["green"]


def test_typing_finds_the_class_and_enter_switches_it(chips, session, qtbot):
    popup = chips.popup
    popup.open_at(QPoint(0, 0))
    qtbot.keyClicks(popup.text, "bl")
    assert popup.matches() == ["blue"]
    qtbot.keyClick(popup.text, Qt.Key.Key_Return)
    assert session.table.record.labels == {"red", "green", "blue"}
    qtbot.keyClicks(popup.text, "r")
    assert popup.matches() == ["red", "green"]  # those that begin with it first
    qtbot.keyClick(popup.text, Qt.Key.Key_Return)
    assert session.table.record.labels == {"green", "blue"}
    qtbot.keyClick(popup.text, Qt.Key.Key_Escape)
    assert not popup.isVisible()


def test_enter_without_a_match_does_nothing(chips, session, qtbot):
    chips.popup.open_at(QPoint(0, 0))
    qtbot.keyClicks(chips.popup.text, "zebra")
    qtbot.keyClick(chips.popup.text, Qt.Key.Key_Return)
    assert session.table.record.labels == {"red", "green"}
    chips.popup.close()


def test_the_last_edit_is_taken_back_with_its_pixels(chips, session, qtbot):
    session.table.replace_mask(session.decisions.copy_proposal(), session.decisions.proposal_source())
    before = session.table.mask.copy()
    chips.layout().itemAt(0).widget().click()
    assert not (session.table.mask == 1).any()
    undo = chips.layout().itemAt(chips.layout().count() - 1).widget()
    assert undo.text() == "↶"
    undo.click()
    assert session.table.record.labels == {"red", "green"}
    assert (session.table.mask == before).all()
    assert chips.layout().itemAt(chips.layout().count() - 1).widget().text() == "+"


def test_it_opens_at_the_mouse_while_its_page_is_hidden(chips, qtbot):
    chips.open_popup()
    assert chips.popup.isVisible()
    chips.popup.close()


def press(chips, text):
    layout = chips.layout()
    widgets = [layout.itemAt(position).widget() for position in range(layout.count())]
    next(one for one in widgets if isinstance(one, QPushButton) and one.text().startswith(text)).click()


def test_nothing_here_is_a_chip_like_others(chips, session):
    session.labels.set("p0.png", ())
    assert texts(chips) == ["nothing here"], "offered while the image is not labelled"
    press(chips, "nothing here")
    assert session.table.record.negative
    assert texts(chips) == ["nothing here"]
    press(chips, "nothing here  ×")
    assert not session.table.record.labelled


def test_a_class_that_is_not_known_has_a_chip_of_its_own(chips, session):
    session.labels.set("p0.png", ["red"], unknown=frozenset({"blue"}))
    assert texts(chips)[:2] == ["red", "blue ?"]
    press(chips, "blue ?  ×")
    assert not session.table.record.unknown
    assert texts(chips)[:1] == ["red"]
