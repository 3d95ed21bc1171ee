from __future__ import annotations

import numpy as np

from napari_wsss.core.classes import ClassList
from napari_wsss.session.models.difference import STRIPE, difference, tinted

CLASSES = ClassList(("cat", "dog"))
IMAGE = np.full((16, 24, 3), 100, np.uint8)


def test_classes_are_tinted_and_the_rest_is_the_photograph() -> None:
    mask = np.zeros((16, 24), np.uint8)
    mask[2:5, 2:5], mask[8:10, 3] = 1, 255
    picture = tinted(IMAGE, mask, CLASSES)
    assert picture.shape == IMAGE.shape
    assert picture.dtype == np.uint8
    assert (picture[mask == 0] == 100).all()
    assert (picture[3, 3] == np.rint(50 + CLASSES.screen[1] / 2)).all()
    assert (picture[8, 3] != 100).any()


def test_the_difference_tells_new_gone_and_unchanged_apart() -> None:
    before, after = np.zeros((2, 16, 24), np.uint8)
    before[:8, :8] = 1
    after[:8, 4:12] = 1
    after[12:, 20:] = 2
    picture = difference(IMAGE, before, after, CLASSES)
    same = picture[0, 5]
    assert len(set(same.tolist())) == 1, "grey"
    assert (picture[15, 0] == same).all()
    assert (picture[:8, 8:12] == picture[0, 8]).all()
    assert (picture[0, 8] != same).any()
    assert (picture[13, 22] != picture[0, 8]).any(), "another class, another colour"
    gone = (picture[:8, :4] != same).any(axis=2)
    assert 0 < gone.sum() < gone.size, "striped"
    assert gone[0, :STRIPE].all()


def test_a_class_that_became_another_one_is_filled_with_the_new() -> None:
    before, after = np.full((16, 24), 1, np.uint8), np.full((16, 24), 2, np.uint8)
    picture = difference(IMAGE, before, after, CLASSES)
    assert (picture == picture[0, 0]).all()
    before[:] = 255
    assert (difference(IMAGE, before, after, CLASSES) == 120).all(), "nobody knew"
