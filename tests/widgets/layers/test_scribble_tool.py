"""Mask and scribbles take turns under the brush; class, undo and saving follow."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.scribbles import BACKGROUND_SCRIBBLE


@pytest.fixture
def tool(sync):
    return sync.scribbles


def dab(layer, row, column):
    layer.paint((row, column), layer.selected_label)


def test_turning_to_the_scribbles_and_back(tool, sync, viewer, session):
    assert tool.layer is None
    assert tool.painted is None
    sync.choose_value(2)
    tool.toggle()
    layer = tool.layer
    assert viewer.layers[-1] is layer
    assert viewer.layers.selection.active is layer
    assert (layer.mode, layer.selected_label) == ("paint", 2)
    sync.choose_value(0)
    assert layer.selected_label == BACKGROUND_SCRIBBLE
    assert viewer.layers.selection.active is layer
    layer.selected_label = 1  # napari's own control
    assert sync.value == sync.mask.selected_label == 1
    layer.selected_label = 77  # no class
    assert layer.selected_label == 1
    session.navigation.next()
    assert viewer.layers.selection.active is layer
    assert tool.layer is layer
    viewer.layers.selection.active = sync.mask  # a click in the layer list
    assert tool.painted is None
    sync.choose_value(3)
    assert viewer.layers.selection.active is sync.mask
    viewer.layers.selection.active = layer
    assert tool.painted is layer
    assert layer.selected_label == 3
    sync.set_tool("erase")
    assert layer.mode == "erase"


def test_strokes_are_saved_and_undone_in_their_order(tool, sync, session, settle):
    tool.toggle()
    layer = tool.layer
    layer.brush_size = 3
    sync.choose_value(3)
    dab(layer, 12, 24)
    tool.record()
    assert session.scribbles.path("p0.png").exists()
    assert session.propagation.start()
    settle(session)
    made = session.table.mask.copy()
    assert (made == 3).any()
    dab(layer, 2, 2)
    tool.undo()  # the second dab
    assert layer.data[2, 2] == 0
    np.testing.assert_array_equal(session.table.mask, made)
    tool.undo()  # the propagation
    assert not sync.mask.data.any()
    tool.undo()  # the first dab
    assert not layer.data.any()
    tool.redo()
    tool.redo()
    assert layer.data[12, 24] == 3
    np.testing.assert_array_equal(sync.mask.data, made)


def test_rubbing_out_is_one_step(tool, session):
    tool.toggle()
    dab(tool.layer, 5, 5)
    dab(tool.layer, 15, 15)
    drawn = tool.layer.data.copy()
    tool.clear()
    assert not session.scribbles.any
    tool.undo()
    np.testing.assert_array_equal(tool.layer.data, drawn)


def test_closing_writes_the_last_stroke(tool, sync, session):
    tool.toggle()
    dab(tool.layer, 5, 5)
    path = session.scribbles.path("p0.png")
    sync.close()
    assert path.exists()
