"""Writes a whole mask into a Labels layer as one step of its undo, quickly also at 16 megapixels."""

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_wsss.session.table.ledger import NOWHERE, Differing, box_of, held_box

HOOK = "_save_history"
"""The method of napari's Labels that notes a step. It is private: where it is missing, `data_setitem` is used."""


def write_step(layer: Labels, values: NDArray[np.uint8], before: NDArray[np.uint8] | None = None) -> bool:
    """Make a layer's array (H, W) equal to `values` (H, W), as one step that undo takes back; False where it is that.

    `Labels.data_setitem` keeps two 8-byte positions for each changed pixel and copies them three times, which takes a
    second where 11 million pixels change. napari's undo takes any index of an array, so a step can be a box as well:
    the smallest one around all changes, as it was and as it becomes.

    Where `before` (H, W) is given, equal to the layer's array now, neither that nor `values` is written into again by
    anybody, and undo holds them in place of copies: fresh memory is what a step takes longest for.
    """
    box = box_of(Differing(layer.data, values))
    note = getattr(layer, HOOK, None)
    if box == NOWHERE:
        return False
    if note is None:
        layer.visible = True  # napari keeps no slice of a hidden layer to write into
        where = np.nonzero(layer.data != values)
        layer.data_setitem(where, values[where])
        return True
    if before is None:
        note((box, layer.data[box].copy(), values[box].copy()))
    else:
        note((box, held_box(before, box), held_box(values, box)))
    layer.data[box] = values[box]
    layer.refresh(extent=False, highlight=False)
    return True
