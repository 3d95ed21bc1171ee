"""The layer of class boundaries lies over the whole image and goes when it is no longer wanted."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.widgets import looks
from napari_wsss.widgets.boundary_layer import BoundaryLayer


@pytest.fixture
def shelf():
    return []


@pytest.fixture
def layer(shelf):
    return BoundaryLayer(shelf.append, shelf.remove)


def test_the_grid_is_stretched_over_the_image(layer, shelf):
    layer.feed(np.zeros((6, 8), np.float32), (24, 40, 3))
    assert [shown.name for shown in shelf] == [looks.BOUNDARIES]
    np.testing.assert_allclose(layer.layer.data_to_world((-0.5, -0.5)), (-0.5, -0.5))
    np.testing.assert_allclose(layer.layer.data_to_world((5.5, 7.5)), (23.5, 39.5))


def test_it_is_fed_again_not_made_again(layer, shelf):
    layer.feed(np.zeros((6, 8), np.float32), (24, 32))
    first = shelf[0]
    layer.feed(np.ones((3, 4), np.float32), (24, 32))
    assert shelf == [first]
    assert first.data.shape == (3, 4)
    layer.feed(None, (24, 32))
    assert shelf == []
    assert layer.layer is None
