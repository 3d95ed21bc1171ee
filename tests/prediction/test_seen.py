"""Planes are enlarged as torch enlarges them; probabilities become maps of the classes that are asked for."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.prediction.seen import enlarged, from_probabilities, said_present

SIDES = st.integers(1, 40)


@given(h=SIDES, w=SIDES, height=SIDES, width=SIDES, aligned=st.booleans())
def test_planes_are_enlarged_as_by_torch(h: int, w: int, height: int, width: int, aligned: bool) -> None:
    planes = np.random.default_rng(0).random((2, h, w), np.float32)

    wanted = F.interpolate(torch.from_numpy(planes)[None], (height, width), mode="bilinear", align_corners=aligned)[0]

    np.testing.assert_allclose(enlarged(planes, height, width, aligned=aligned), wanted.numpy(), atol=1e-5)


@pytest.mark.parametrize(("present", "classes"), [(None, (0, 1, 2)), ((2, 0), (0, 2)), ((), ())])
def test_probabilities_become_maps_of_the_present_classes(
    present: tuple[int, ...] | None, classes: tuple[int, ...]
) -> None:
    probabilities = np.arange(8, dtype=np.float32).reshape(4, 1, 2)

    maps = from_probabilities(probabilities, present)

    assert maps.classes == classes
    assert maps.scores.tolist() == [probabilities[k + 1].tolist() for k in classes]
    assert maps.background is not None
    assert maps.background.tolist() == probabilities[0].tolist()


def test_a_class_is_said_present_from_a_probability_on() -> None:
    logits = np.array([-900.0, 0.0, 900.0, -1.0], np.float32)
    assert said_present(logits, 0.5) == (1, 2)
    assert said_present(logits, 0.2) == (1, 2, 3)
