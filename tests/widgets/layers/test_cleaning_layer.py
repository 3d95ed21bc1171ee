"""The outlines of a clean-up show what changed pixels become."""

from __future__ import annotations

import numpy as np

from napari_wsss.core.scribbles import BACKGROUND_SCRIBBLE
from napari_wsss.pixels.cleanup import CleanUp
from napari_wsss.widgets.layers.cleaning_layer import CleaningOverlay


def test_only_changes_are_shown_and_background_too(session, settle):
    shelf = []
    overlay = CleaningOverlay(session)

    def feed():
        overlay.feed(lambda layer, _place: shelf.append(layer), shelf.remove)

    feed()
    assert shelf == []
    session.cleaning.ask(CleanUp(smallest=100))  # the green square has 64 pixels
    settle(session)
    feed()
    (layer,) = shelf
    assert not layer.editable
    np.testing.assert_array_equal(layer.data, np.where(session.table.proposal == 2, BACKGROUND_SCRIBBLE, 0))
    session.cleaning.ask(CleanUp(smallest=10))
    settle(session)
    feed()
    assert shelf == [layer]
    assert not layer.data.any()
    session.cleaning.cancel()
    feed()
    assert shelf == []
