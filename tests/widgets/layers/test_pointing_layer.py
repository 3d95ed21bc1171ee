"""The clicks layer holds what was said, and the box that is being drawn."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.pixels.clicks.prompts import Click, PromptBox
from napari_wsss.widgets.layers.pointing_layer import PointingOverlay, dotted


def test_a_box_is_dotted_along_its_border():
    points = dotted(PromptBox(2, 3, 6, 9), count=4)
    assert len(points) == 16
    assert points.min(0).tolist() == [1.5, 2.5]
    assert points.max(0).tolist() == [5.5, 8.5]
    assert all(row in (1.5, 5.5) or column in (2.5, 8.5) for row, column in points)


@pytest.mark.usefixtures("qapp")
def test_it_is_there_while_somebody_points(session, settle):
    overlay = PointingOverlay(session)
    assert overlay.picture() is None
    overlay.is_wanted = True
    layer = overlay.make(overlay.picture())
    assert not len(layer.data)
    session.pointing.click(Click(12, 24), 3)
    settle(session)
    overlay.layer = layer
    overlay.update(overlay.picture())
    assert layer.data.tolist() == [[12, 24]]
    overlay.drawn = PromptBox(2, 3, 6, 9)
    overlay.update(overlay.picture())
    assert np.isclose(layer.data[-1], [12, 24]).all()
    assert len(layer.data) > 20
