"""What every refiner inherits: input checks, missing libraries, steps that report."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError
from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import finish
from napari_wsss.refine.base import Refiner


class Halve(Refiner):
    """Halves every score."""

    title = "Halve"
    needs = frozenset({"background"})

    def refine(self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING) -> ActivationMaps:
        self.check_input(image, maps)
        return maps.with_scores(maps.scores / 2, maps.background)


class Impossible(Halve):
    """Needs a module that does not exist."""

    title = "Impossible"
    requires: ClassVar = {"no_such_module_anywhere.inner": ("crf", "pip install it.")}


MAPS = ActivationMaps(np.ones((1, 4, 5), np.float32), (0,), np.zeros((4, 5), np.float32))


def test_steps_give_what_refine_gives() -> None:
    found = finish(Halve().steps(np.zeros((4, 5, 3), np.uint8), MAPS))

    assert found.scores.max() == 0.5


def test_maps_of_another_size_are_refused() -> None:
    with pytest.raises(StepError, match="Compute the maps anew"):
        Halve().refine(np.zeros((5, 4, 3), np.uint8), MAPS)


def test_a_missing_background_is_named() -> None:
    with pytest.raises(StepError, match="background step") as caught:
        Halve().refine(np.zeros((4, 5, 3), np.uint8), ActivationMaps(MAPS.scores, (0,)))

    assert caught.value.missing == ("background",)


def test_a_missing_library_is_named_with_what_to_install() -> None:
    with pytest.raises(StepError, match="no_such_module_anywhere") as caught:
        Impossible()

    assert caught.value.missing == ("crf",)
    assert "pip install it." in str(caught.value)
    assert "other refinement steps work" in str(caught.value)
