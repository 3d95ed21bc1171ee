"""An overlay makes its layer once, feeds it only what is new, and makes it again after it was taken away."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_wsss.widgets.layers.overlay import Overlay


class Shade(Overlay):
    """Shows whatever `values` is."""

    role = "shade"
    values = None

    def picture(self):
        return self.values

    def make(self, picture):
        return Image(picture, name=self.role)


@pytest.fixture
def shade():
    return Shade(None)


def test_a_layer_comes_is_fed_and_goes(shade):
    shown = []
    ends = (lambda layer, place: shown.append((layer, place)), lambda layer: shown.clear())
    shade.feed(*ends)
    assert shown == []
    shade.values = np.zeros((4, 5))
    shade.feed(*ends)
    ((layer, place),) = shown
    assert place == "below proposal"
    set_data = []
    layer.events.set_data.connect(set_data.append)
    shade.feed(*ends)
    assert set_data == []  # the same picture is not drawn again
    shade.values = np.ones((6, 5))
    shade.feed(*ends)
    assert layer.data.shape == (6, 5)
    shade.values = None
    shade.feed(*ends)
    assert shown == []
    assert shade.layer is None


def test_a_forgotten_layer_is_made_again(shade):
    shown = []
    shade.values = np.zeros((4, 5))
    shade.feed(lambda layer, _place: shown.append(layer), shown.remove)
    shade.forget()
    shade.feed(lambda layer, _place: shown.append(layer), shown.remove)
    assert len(shown) == 2
