"""Outlined means machine, filled means person; every class value has its palette colour."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.classes import IGNORE, ClassList
from napari_wsss.widgets.layers import looks

CLASSES = ClassList(("cat", "dog"))
MASK = np.array([[0, 1], [2, 255]], np.uint8)


def test_colours_are_the_palette(recwarn):
    colours = looks.mask_colours(CLASSES)
    np.testing.assert_allclose(colours.map(1)[:3], CLASSES.colour("cat"), atol=1e-6)
    np.testing.assert_allclose(colours.map(IGNORE)[:3], CLASSES.palette[IGNORE] / 255, atol=1e-6)
    assert colours.map(0)[3] == 0
    assert colours.map(17)[3] == 1  # a value without a class is loud
    assert not recwarn.list


def test_activation_colours_leave_weak_scores_clear():
    alpha = looks.cam_colours().map(np.linspace(0, 1, 5))[:, 3]
    assert alpha[0] == 0
    assert (np.diff(alpha) >= 0).all()


@pytest.mark.parametrize(
    ("layer", "role"),
    [
        (looks.image_layer(np.zeros((2, 2, 3), np.uint8)), "image"),
        (looks.cam_layer(np.zeros((2, 2), np.float32), "cat"), "cam"),
        (looks.proposal_layer(MASK.copy(), CLASSES), "proposal"),
        (looks.mask_layer(MASK.copy(), CLASSES), "mask"),
    ],
)
def test_layers_carry_their_role_and_are_locked(layer, role):
    assert looks.role_of(layer) == role
    assert layer.locked


def test_a_mask_is_filled_and_a_proposal_outlined():
    mask, proposal = looks.mask_layer(MASK.copy(), CLASSES), looks.proposal_layer(MASK.copy(), CLASSES)
    assert (mask.contour, mask.editable) == (0, True)
    assert (proposal.contour, proposal.editable) == (2, False)
    assert proposal.opacity == looks.PROPOSAL_OPACITY


@pytest.mark.gui
def test_colours_are_compiled_once_and_stay_right_with_other_data(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    first, other = np.full((30, 40), 1, np.uint8), np.full((50, 35), 2, np.uint8)
    layer = viewer.add_layer(looks.mask_layer(first, CLASSES))
    looks.keep_colours(layer)
    visual = viewer.window._qt_viewer.canvas.layer_to_visual[layer]
    compiled = visual.node.cmap

    layer.data = other
    viewer.reset_view()

    assert visual.node.cmap is compiled
    ours = viewer.screenshot(canvas_only=True, flash=False)
    viewer.layers.remove(layer)
    plain = viewer.add_layer(looks.mask_layer(other, CLASSES))
    viewer.reset_view()
    np.testing.assert_array_equal(ours, viewer.screenshot(canvas_only=True, flash=False))
    visual = viewer.window._qt_viewer.canvas.layer_to_visual[plain]
    compiled = visual.node.cmap
    plain.data = first
    assert visual.node.cmap is not compiled  # what this is about; once napari does without, so can we
