"""Borders lie where regions meet."""

from __future__ import annotations

import numpy as np

from napari_wsss.widgets.layers.regions_layer import borders


def test_a_border_is_one_pixel_wide():
    numbers = np.ones((4, 6), np.int32)
    numbers[:, 3:] = 2
    found = borders(numbers)
    assert found[:, 2].all()
    assert found.sum() == 4
    assert not borders(np.ones((3, 3), np.int32)).any()
