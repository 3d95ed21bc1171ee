from __future__ import annotations

from qtpy.QtCore import Qt

from napari_wsss.widgets.clusters.selection import ClusterSelection, cluster_colour, is_adding


def test_clicks_and_lassos_select_add_and_let_go(qapp):
    selection, told = ClusterSelection(), []
    selection.changed.connect(lambda: told.append(selection.ids))
    selection.click("a")
    selection.click("b", adding=True)
    selection.take(["c", "a"], adding=True)
    selection.click("b", adding=True)
    selection.keep({"c"})
    selection.keep({"c"})
    assert told == [("a",), ("a", "b"), ("a", "b", "c"), ("a", "c"), ("c",)]
    assert "c" in selection
    assert len(selection) == 1


def test_shift_and_ctrl_add():
    none, shift, ctrl = (getattr(Qt.KeyboardModifier, f"{name}Modifier") for name in ("No", "Shift", "Control"))
    assert [is_adding(one) for one in (none, shift, ctrl)] == [False, True, True]


def test_every_place_has_a_colour_of_its_own():
    assert len({cluster_colour(place).name() for place in range(12)}) == 12
