"""Inference settings: presets, bounds, plain types."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.inference import Companion, Inference, SegmentInference
from napari_wsss.core.parameters import from_dict, to_dict


def seen(settings: Inference | SegmentInference) -> list[tuple[float, bool]]:
    """Return scale and view of every pass."""
    settings = settings.resolved()
    return [(scale, view) for at, scale in enumerate(settings.scales) for view in settings.views(at)]


def test_presets_say_which_passes_there_are() -> None:
    full, fast, single = (seen(Inference(preset=name)) for name in ("full", "fast", "single"))

    assert full == [(scale, view) for scale in Inference().scales for view in (False, True)]
    assert fast == [(0.5, False), (1.0, True), (1.5, True), (2.0, False)], "both views, every scale, half the passes"
    assert sum(scale for scale, view in fast if view) == sum(scale for scale, view in fast if not view)
    assert single == [(1.0, False)]
    assert Inference().resolved() == Inference()


def test_passes_that_are_chosen() -> None:
    assert seen(Inference(flip=False, in_turns=True)) == [(scale, False) for scale in Inference().scales]
    assert seen(Inference(preset="fast", flip=False)) == seen(Inference(flip=False))
    assert seen(Inference(preset="fast", scales=(2.0, 1.0))) == [(2.0, False), (1.0, True)]
    assert seen(SegmentInference(flip=True)) == [(1.0, False), (1.0, True)]


@pytest.mark.parametrize("cls", [Inference, SegmentInference])
def test_settings_survive_json_types(cls: type) -> None:
    settings = cls(scales=(0.5, 1.0), pixel_budget=100_000)

    assert from_dict(cls, to_dict(settings)) == settings


@pytest.mark.parametrize(
    "wrong", [{"preset": "slow"}, {"scales": [0.0]}, {"scales": []}, {"precision": "half"}, {"pixel_budget": 1}]
)
def test_values_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        from_dict(Inference, wrong)


def test_a_companion_is_known_without_being_read() -> None:
    reads = []
    one = Companion("abc", (0, 2), lambda: reads.append(1) or np.zeros((2, 3, 3), np.uint8))  # type: ignore[func-returns-value]

    assert (one.content, one.labels) == ("abc", (0, 2))
    assert not reads
    assert one.read().shape == (2, 3, 3)
