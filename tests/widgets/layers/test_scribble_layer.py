"""The layer of scribbles comes when it is wanted, shows the session's array and forgets other images' strokes."""

from __future__ import annotations

import numpy as np

from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.scribble_layer import ScribbleOverlay


def test_it_comes_once_and_is_fed(session):
    shelf = []
    overlay = ScribbleOverlay(session)

    def feed():
        overlay.feed(lambda layer, _place: shelf.append(layer), shelf.remove)

    feed()
    assert shelf == []  # nobody scribbles: no layer
    session.scribbles.values[3, 3] = 2
    feed()
    (layer,) = shelf
    assert layer.name == looks.SCRIBBLES
    assert layer.data is session.scribbles.values
    layer.mode = "paint"
    layer.data_setitem((np.array([5]), np.array([5])), 1)
    assert session.scribbles.values[5, 5] == 1
    session.navigation.next()
    feed()
    assert shelf == [layer]
    assert layer.data is session.scribbles.values
    layer.undo()
    assert not layer.data.any()
    assert layer.mode == "paint"
    session.class_list.add("violet")
    feed()
    assert len(layer.colormap.color_dict) == 4 + 5  # the line around strokes has a colour of its own
    session.close_project()
    feed()
    assert shelf == []


def test_a_read_only_project_is_not_scribbled_on(session):
    folder = session.project.folder
    session.open_project(folder, read_only=True)
    overlay = ScribbleOverlay(session)
    overlay.wanted = True
    overlay.feed(lambda layer, _place: None, lambda layer: None)
    assert not overlay.layer.editable
