"""Inference settings: presets, bounds, plain types."""

from __future__ import annotations

import pytest

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.inference import Inference, SegmentInference
from napari_wsss.core.parameters import from_dict, to_dict


def test_fast_means_one_scale_and_no_flip() -> None:
    fast = Inference(preset="fast").resolved()

    assert fast.scales == (1.0,)
    assert not fast.flip
    assert Inference().resolved() == Inference()


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
