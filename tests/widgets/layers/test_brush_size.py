"""A brush keeps its size on the screen, and a person's choice of it."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from napari_wsss.widgets.layers.brush_size import keep_on_screen, set_on_screen, step


@pytest.fixture
def layer(qapp):
    return Labels(np.zeros((8, 8), np.uint8))


def test_a_new_brush_is_in_pixels_of_the_screen(layer):
    layer.brush_size = 12
    keep_on_screen(layer, 0.25)
    assert layer.brush_size == 48


@pytest.mark.parametrize("zooms", [(0.2,), (30.0, 0.2), (0.3, 7.0, 100.0, 0.2)])
def test_no_way_there_rounds_it(layer, zooms):
    layer.brush_size = 15
    for zoom in zooms:
        keep_on_screen(layer, zoom)
        assert layer.brush_size == max(1, round(15 / zoom))


def test_what_a_person_chooses_meanwhile_counts(layer):
    set_on_screen(layer, 15, 2.0)
    layer.brush_size = 20
    keep_on_screen(layer, 2.0)
    assert layer.brush_size == 20
    keep_on_screen(layer, 0.5)
    assert layer.brush_size == 80


def test_the_wheel_always_moves_it_and_never_to_nothing(layer):
    layer.brush_size, seen = 1, []
    for _ in range(40):
        step(layer, 1.0)
        seen.append(layer.brush_size)
    assert seen == sorted(set(seen))
    assert seen[-1] > 100
    for _ in range(80):
        step(layer, -1.0)
    assert layer.brush_size == 1
    step(layer, 0.0)
    assert layer.brush_size == 1
