"""What holds for every entry of the ``saliency`` shelf (empty so far: the tests wait for the first model)."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.core.parameters import check, from_dict, to_dict
from napari_wsss.core.registry import load_method, method_names

pytestmark = pytest.mark.parametrize("method", method_names("saliency"))


def test_saliency_has_the_size_of_the_image_and_lies_in_0_to_1(method: str) -> None:
    model = load_method("saliency", method)().eval()
    with torch.no_grad():
        found = model.saliency(torch.randn(2, 3, 65, 83))

    assert found.shape == (2, 65, 83)
    assert 0 <= found.min() <= found.max() <= 1


def test_parameters_survive_json_types(method: str) -> None:
    parameters = load_method("saliency", method).Parameters

    assert from_dict(parameters, to_dict(check(parameters()))) == parameters()
