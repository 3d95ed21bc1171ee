"""The layer is there while it is wanted, below the proposal, and shows the session's picture."""

from __future__ import annotations

import numpy as np


def test_it_comes_follows_and_goes(session, sync, viewer, settle):
    assert "uncertainty" not in viewer.layers
    session.doubts.show(True)
    settle(session)
    layer = viewer.layers["uncertainty"]
    np.testing.assert_array_equal(layer.data, session.doubts.values)
    assert viewer.layers.index(layer) < viewer.layers.index("proposal")
    assert layer.colormap.map(np.array([0.0]))[0, 3] == 0  # what is sure stays visible
    session.sliders.set_threshold(0.2)
    settle(session)
    np.testing.assert_array_equal(viewer.layers["uncertainty"].data, session.doubts.values)
    session.doubts.show(False)
    assert "uncertainty" not in viewer.layers
