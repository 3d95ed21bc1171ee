"""The layer of class boundaries lies over the whole image and goes when it is no longer wanted."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.boundary_layer import BoundaryOverlay


@pytest.fixture
def shelf():
    return []


@pytest.fixture
def overlay(shelf):
    shown = BoundaryOverlay(
        SimpleNamespace(boundaries=SimpleNamespace(values=None), table=SimpleNamespace(image=None), shown_id="a.png")
    )

    def feed(values, size):
        shown.session.boundaries.values, shown.session.table.image = values, np.zeros((*size, 3), np.uint8)
        shown.feed(lambda layer, _place: shelf.append(layer), shelf.remove)

    shown.show = feed
    return shown


def test_the_grid_is_stretched_over_the_image(overlay, shelf):
    overlay.show(np.zeros((6, 8), np.float32), (24, 40))
    assert [shown.name for shown in shelf] == [looks.BOUNDARIES]
    np.testing.assert_allclose(overlay.layer.data_to_world((-0.5, -0.5)), (-0.5, -0.5))
    np.testing.assert_allclose(overlay.layer.data_to_world((5.5, 7.5)), (23.5, 39.5))


def test_it_is_fed_again_not_made_again(overlay, shelf):
    overlay.show(np.zeros((6, 8), np.float32), (24, 32))
    first = shelf[0]
    overlay.show(np.ones((3, 4), np.float32), (24, 32))
    assert shelf == [first]
    assert first.data.shape == (3, 4)
    np.testing.assert_allclose(overlay.layer.data_to_world((2.5, 3.5)), (23.5, 31.5))
    overlay.show(None, (24, 32))
    assert shelf == []
    assert overlay.layer is None
