"""The fill preview is there while a region is held, as an outline."""

from __future__ import annotations

import pytest

from napari_wsss.widgets.layers.wand_layer import WandOverlay


@pytest.mark.usefixtures("qapp")
def test_it_shows_what_is_held(session):
    overlay = WandOverlay(session)
    assert overlay.picture() is None
    session.wand.hold(12, 24)
    layer = overlay.make(overlay.picture())
    assert layer.contour > 0
    assert layer.data.sum() == session.wand.region.sum()
    session.wand.reach(200)
    overlay.layer = layer
    overlay.update(overlay.picture())
    assert layer.data.all()
    session.wand.drop()
    assert overlay.picture() is None
