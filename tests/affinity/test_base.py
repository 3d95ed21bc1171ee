"""The contract itself: an affinity network says how its pairs are made."""

from __future__ import annotations

import pytest

from napari_wsss.affinity.base import AffinityModel
from napari_wsss.networks.trunk import build_trunk


def test_contract_cannot_be_built() -> None:
    with pytest.raises(TypeError, match="abstract"):
        AffinityModel(build_trunk("mobilenet_v2", width=1 / 16))
