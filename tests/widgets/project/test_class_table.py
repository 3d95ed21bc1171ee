"""The class table shows values, keys and counts, renames and appends."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QWidget

from napari_wsss.widgets.controls.basic import PageArea, column
from napari_wsss.widgets.project.class_table import COLOUR, KEY, NAME, ClassTable


@pytest.fixture
def classes(session, qtbot):
    made = ClassTable(session)
    qtbot.addWidget(made)
    made.refresh()
    return made


def texts(classes, row):
    return [classes.table.item(row, column).text() for column in (0, NAME, KEY, 4)]


def test_rows_hold_value_name_key_and_count(classes):
    assert [texts(classes, row) for row in range(3)] == [
        ["1", "red", "1", "6"],
        ["2", "green", "2", "4"],
        ["3", "blue", "3", "0"],
    ]


def test_keys_are_those_of_the_shown_image(classes, session):
    session.labels.set("p1.png", ["blue"])
    session.navigation.go_to("p1.png")
    assert [texts(classes, row)[2] for row in range(3)] == ["2", "3", "1"]
    session.own_keys.choose("value_1", "F7")
    assert texts(classes, 2)[2] == "F7"


def test_what_a_merge_would_do_is_scrolled_into_view(classes, qtbot):
    area, page, below = PageArea(), QWidget(), QWidget()
    below.setMinimumHeight(900)
    page.setLayout(column(classes, below))
    area.setWidget(page)
    qtbot.addWidget(area)
    area.resize(340, 300)
    area.show()
    classes.table.setCurrentCell(0, NAME)
    assert classes.effect.isHidden()
    classes.becomes.setCurrentIndex(1)
    qtbot.waitUntil(lambda: classes.effect.visibleRegion().boundingRect() == classes.effect.rect())
    classes.setParent(None)  # both are closed by qtbot


def test_a_class_is_renamed_in_place(classes, session):
    classes.table.item(0, NAME).setText("crimson")
    assert session.table.classes.names == ("crimson", "green", "blue")
    assert session.table.record.labels == {"crimson", "green"}
    assert texts(classes, 0)[1] == "crimson"


def test_a_taken_name_is_refused_and_shown_back(classes, session):
    failures = []
    session.signals.failed.connect(failures.append)
    classes.table.item(0, NAME).setText("green")
    assert failures
    assert texts(classes, 0)[1] == "red"


def test_a_class_is_added_at_the_end(classes, session):
    classes.name.setText("white")
    classes._add()
    assert session.table.classes.names[-1] == "white"
    assert texts(classes, 3)[:2] == ["4", "white"]
    assert classes.name.text() == ""


def mark(classes, name):
    row = [classes.table.item(row, NAME).text() for row in range(classes.table.rowCount())].index(name)
    classes.table.selectRow(row)
    return row


def choices(classes):
    return {classes.becomes.itemData(place): place for place in range(classes.becomes.count())}


def test_what_a_merge_does_is_said_before_it_is_done(classes, session):
    session.signals.classes_changed.connect(classes.refresh)
    assert not classes.do.isEnabled()
    mark(classes, "green")
    assert set(choices(classes)) == {"", "red", "blue", "ignore", "background"}
    assert not classes.do.isEnabled()
    classes.becomes.setCurrentIndex(choices(classes)["red"])
    assert classes.effect.text().startswith("green becomes red: in the labels of 4 images and in 0 accepted masks")
    assert session.classes.current == ("red", "green", "blue"), "nothing is done yet"
    classes.do.click()
    assert session.classes.current == ("red", "blue")
    assert [texts(classes, row)[:2] for row in range(classes.table.rowCount())] == [["1", "red"], ["3", "blue"]]
    assert "green merged into red" in classes.undo.toolTip()
    classes.undo.click()
    assert session.classes.current == ("red", "green", "blue")
    assert not classes.undo.isEnabled()


def test_the_only_class_cannot_go(classes, session):
    session.signals.classes_changed.connect(classes.refresh)
    for name in ("green", "blue"):
        session.class_list.become(name, "ignore")
    mark(classes, "red")
    assert not classes.becomes.isEnabled()


def test_a_click_on_the_colour_offers_another_one(classes, session, sync, qtbot):
    session.signals.classes_changed.connect(classes.refresh)
    row = mark(classes, "red")
    assert not classes.palette_colour.isEnabled()
    classes.table.itemClicked.emit(classes.table.item(row, COLOUR))
    dialog = classes.findChild(QColorDialog)
    assert dialog.currentColor().name() == "#e69f00"
    dialog.colorSelected.emit(QColor("#123456"))
    dialog.close()
    assert session.classes.screen[1].tolist() == [0x12, 0x34, 0x56]
    for layer in (sync.mask, sync.host.layer("proposal")):
        np.testing.assert_allclose(layer.colormap.map(1)[:3], np.array([0x12, 0x34, 0x56]) / 255, atol=1e-6)
    assert classes.marked == "red"
    assert classes.table.item(row, COLOUR).icon().pixmap(9, 9).toImage().pixelColor(4, 4).name() == "#123456"
    classes.palette_colour.click()
    assert session.classes.colours == {}
    classes.undo.click()
    assert session.classes.colours == {1: "#123456"}
