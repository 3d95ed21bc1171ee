"""Rows say value, name, key and amount, and renaming one renames the class."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_wsss.widgets.review.legend_model import LegendModel


@pytest.fixture
def model(session, sync, actions):
    made = LegendModel(session, sync, actions)
    made.reset()
    return made


def rows(model):
    return {model.entry(row).name: model.entry(row) for row in range(model.rowCount())}


def test_amounts_are_those_of_the_mask(model, session):
    assert rows(model)["red"].amount == ""
    session.table.mask[:6, :8] = 1
    model.count()
    found = rows(model)
    assert found["red"].pixels == 48
    assert found["red"].amount == "48 · 6.2 %"
    assert sum(entry.share for entry in found.values()) == pytest.approx(1)


def test_rows_name_their_keys_and_what_is_painted(model, sync, session):
    found = rows(model)
    assert [found[name].key for name in ("background", "red", "ignore")] == ["0", "1", "I"]
    assert found["red"].painted
    assert found["red"].labelled
    assert not found["blue"].labelled
    sync.choose_value(3)
    assert rows(model)["blue"].painted
    session.own_keys.choose("ignore", "F7")
    model.reset()
    assert rows(model)["ignore"].key == "F7"


def test_a_class_is_renamed_in_place(model, session):
    assert model.setData(model.index(model.row_of(2)), " lime ", Qt.ItemDataRole.EditRole)
    assert session.table.classes.names == ("red", "lime", "blue")
    assert not model.setData(model.index(model.row_of(1)), "red", Qt.ItemDataRole.EditRole)
    assert not model.flags(model.index(model.row_of(0))) & Qt.ItemFlag.ItemIsEditable
    assert model.row_of(9) == -1
