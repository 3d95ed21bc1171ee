"""Scribbles know background from nothing."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError
from napari_wsss.core.scribbles import BACKGROUND_SCRIBBLE, as_seeds, counted, mask_value, scribble_value

FEW = ClassList(("cat", "dog"))
MANY = ClassList(tuple(f"c{n}" for n in range(254)))


def test_every_mask_value_goes_to_scribbles_and_back():
    for value in FEW.values():
        assert scribble_value(value, FEW) != 0
        assert mask_value(scribble_value(value, FEW), FEW) == value


def test_a_full_class_list_keeps_its_last_class():
    assert mask_value(BACKGROUND_SCRIBBLE, MANY) == 254
    with pytest.raises(LabelError, match="no value is left"):
        scribble_value(0, MANY)
    drawn = np.array([[0, 254]], np.uint8)
    assert as_seeds(drawn, MANY)[0].tolist() == [[0, 254]]


def test_seeds_are_where_something_was_said():
    values, seeded = as_seeds(np.array([[0, 2, BACKGROUND_SCRIBBLE, 255]], np.uint8), FEW)
    assert values.tolist() == [[0, 2, 0, 255]]
    assert seeded.tolist() == [[False, True, True, True]]


def test_scribbles_of_classes_that_are_gone_are_those_of_what_they_became():
    classes = ClassList.stored(("cat", "dog", "owl"), {1: 3, 2: 255})
    scribbles = np.array([[0, 1, 2, 3, BACKGROUND_SCRIBBLE]], np.uint8)
    assert counted(scribbles, classes).tolist() == [[0, 3, 0, 3, BACKGROUND_SCRIBBLE]]
    assert counted(scribbles, ClassList(("cat", "dog", "owl"))) is scribbles
