"""Arrays of one value are told from others without a look at their pixels."""

from __future__ import annotations

import numpy as np

from napari_wsss.core.uniform import uniform, uniform_value


def test_one_value_takes_the_memory_of_one() -> None:
    made = uniform((4000, 3000), np.uint8(7))
    assert made.shape == (4000, 3000)
    assert made.base is not None
    assert made.base.nbytes == 1
    assert uniform_value(made) == 7
    assert uniform_value(made[5:9, 2:3]) == 7
    assert (made[:2] == 7).all()
    assert not made.flags.writeable


def test_others_are_none() -> None:
    assert uniform_value(np.full((3, 4), 7, np.uint8)) is None
    assert uniform_value(np.zeros((0, 4), np.uint8)) is None
    assert uniform_value(uniform((2, 3), np.uint8(7)).copy()) is None
