"""Every published key list is recognised as what it is, whatever its class count, or named and refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import Tensor

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.fit import fit
from napari_wsss.weights.heads import class_count, joined
from napari_wsss.weights.identify import identify
from napari_wsss.weights.neighbours import neighbour
from tests.parity.recipe import fixture_path

OPENED = {
    "psa_cls": "psa_cls_resnet38",
    "seam": "seam_resnet38",
    "seam_losses": "seam_resnet38",
    "sccam": "sccam_resnet38",
    "edam_da": "edam_resnet38",
    "deeplab_v2": "deeplab_v2_resnet101_msc",
    "deeplab_v3": "deeplab_v3_resnet50_coco",
}
REFUSED = {
    "psa_affinity": "AffinityNet",
    "irn_cam": "IRN's classifier",
    "irn_edge_displacement": "IRNet",
    "mcis": "MCIS",
    "ldf": "LDF",
}


def listed(name: str) -> tuple[dict[str, Tensor], int]:
    """Return a fixture's keys with tensors of the right shapes and no memory, and its class count (0 unknown)."""
    with np.load(fixture_path(name), allow_pickle=False) as file:
        meta = json.loads(str(file["meta"]))
    state = {key: torch.empty(shape, device="meta") for key, shape in meta["keys"]}
    return state, int((meta.get("config") or {}).get("num_classes", 0))


@pytest.mark.parametrize("name", OPENED)
def test_what_can_be_opened_is_recognised(name: str) -> None:
    state, classes = listed(name)
    descriptor = identify(state)

    assert descriptor is not None
    assert descriptor.name == OPENED[name]
    assert neighbour(state) == ""
    if name != "seam_losses":  # those of the DeepLabs count the background
        expected = classes - name.startswith("deeplab")
        assert class_count(joined(state, descriptor), descriptor) == expected


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_opened_is_named(name: str) -> None:
    state, _ = listed(name)

    assert identify(state) is None
    assert REFUSED[name] in neighbour(state)
    with pytest.raises(WeightsError, match=REFUSED[name]):
        fit(torch.nn.Linear(1, 1), state)
