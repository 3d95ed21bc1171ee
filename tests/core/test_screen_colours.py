"""Classes are told apart on a screen, by everybody, however many there are."""

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.screen_colours import OKABE_ITO, screen_colours

DEUTERANOPIA = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
PROTANOPIA = np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]])
"""Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB."""


@pytest.mark.parametrize("count", [1, 2, 7, 8, 25, 254])
def test_every_class_has_a_bright_colour_of_its_own(count):
    colours = screen_colours(count)
    assert colours.shape == (count, 3)
    assert colours.dtype == np.uint8
    assert len(np.unique(colours, axis=0)) == count
    assert colours.max(axis=1).min() >= 150
    np.testing.assert_array_equal(colours, screen_colours(254)[:count])


@pytest.mark.parametrize("seen", [np.eye(3), DEUTERANOPIA, PROTANOPIA])
def test_the_first_classes_differ_for_colour_blind_people(seen):
    linear = (screen_colours(len(OKABE_ITO)) / 255.0) ** 2.2 @ seen.T
    shown = np.clip(linear, 0, 1) ** (1 / 2.2)
    apart = np.linalg.norm(shown[:, None] - shown[None], axis=2)
    assert apart[~np.eye(len(shown), dtype=bool)].min() > 0.12


def test_files_keep_their_palette():
    classes = ClassList(["cat", "dog"])
    assert tuple(classes.palette[1]) == (128, 0, 0)
    assert tuple(classes.screen[1]) == tuple(round(255 * part) for part in classes.colour("cat")) != (128, 0, 0)
    assert tuple(classes.screen[255]) == tuple(classes.palette[255])
