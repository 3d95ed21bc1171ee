from __future__ import annotations

import pytest

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.parameters import check, from_dict, to_dict
from training.economy.costs import Costs


def test_costs_are_options_and_never_negative() -> None:
    assert from_dict(Costs, to_dict(check(Costs()))) == Costs()
    with pytest.raises(ParameterError, match="Click"):
        check(Costs(click=-1.0))


def test_a_stroke_costs_its_aim_and_its_length() -> None:
    assert Costs().stroke_of(0) == 1.5
    assert Costs().stroke_of(300) == 2.5
    assert Costs(stroke=0.0, stroke_speed=100.0).stroke_of(300) == 3
