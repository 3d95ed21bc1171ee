"""The class table shows values, keys and counts, renames and appends."""

from __future__ import annotations

import pytest

from napari_wsss.widgets.project.class_table import ClassTable


@pytest.fixture
def classes(session, qtbot):
    made = ClassTable(session)
    qtbot.addWidget(made)
    made.refresh()
    return made


def texts(classes, row):
    return [classes.table.item(row, column).text() for column in range(4)]


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


def test_a_class_is_renamed_in_place(classes, session):
    classes.table.item(0, 1).setText("crimson")
    assert session.table.classes.names == ("crimson", "green", "blue")
    assert session.table.record.labels == {"crimson", "green"}
    assert texts(classes, 0)[1] == "crimson"


def test_a_taken_name_is_refused_and_shown_back(classes, session):
    failures = []
    session.signals.failed.connect(failures.append)
    classes.table.item(0, 1).setText("green")
    assert failures
    assert texts(classes, 0)[1] == "red"


def test_a_class_is_added_at_the_end(classes, session):
    classes.name.setText("white")
    classes._add()
    assert session.table.classes.names[-1] == "white"
    assert texts(classes, 3)[:2] == ["4", "white"]
    assert classes.name.text() == ""
