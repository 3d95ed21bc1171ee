"""Holding a key hides layers; letting go puts every visibility back, tools included."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.peek import Peek

CLASSES = ClassList(("a",))


@pytest.fixture
def layers():
    values = np.zeros((4, 4), np.uint8)
    return (
        looks.image_layer(np.zeros((4, 4, 3), np.uint8)),
        looks.cam_layer(np.zeros((4, 4), np.float32), "a"),
        looks.proposal_layer(values.copy(), CLASSES),
        looks.mask_layer(values, CLASSES),
    )


@pytest.mark.parametrize(("what", "shown"), [("image", [0]), ("proposal", [0, 2])])
def test_only_what_was_asked_for_is_shown(layers, what, shown):
    peek = Peek(lambda: layers)
    layers[1].visible, layers[2].visible = True, False
    layers[3].mode = "paint"
    peek.hold(what)
    assert [position for position, layer in enumerate(layers) if layer.visible] == shown
    peek.release()
    assert [layer.visible for layer in layers] == [True, True, False, True]
    assert layers[3].mode == "paint"


def test_one_look_follows_another(layers):
    peek = Peek(lambda: layers)
    peek.hold("image")
    peek.hold("proposal")
    assert peek.what == "proposal"
    peek.release()
    assert layers[3].visible
    peek.release()
    assert peek.what is None
