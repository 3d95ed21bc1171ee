"""MCIS's checkpoints: recognised for any class count and width, and every tensor has a place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.weights.fit import fit
from napari_wsss.weights.identify import identify
from napari_wsss.weights.published_mcis import MCIS
from napari_wsss.weights.read import read

BACK = (
    ("trunk.layers.", "vgg.features."),
    ("convolutions.", "vgg.extra_convs."),
    ("classifier.", "vgg.extra_last_conv."),
    ("attention.affinity_weight.", "extra_linear_e."),
    ("attention.gate.", "extra_gate_merge."),
    ("co_classifier.", "extra_gate."),
)


def published_state(classes: int) -> dict[str, torch.Tensor]:
    network = Localizer.build("co_attention", TrunkChoice("vgg16", 8, 1 / 16), class_count=classes)
    return {
        theirs + key.removeprefix(ours): v
        for key, v in network.state_dict().items()
        for ours, theirs in BACK
        if key.startswith(ours)
    }


@pytest.mark.parametrize("classes", [1, 7, 20])
def test_a_checkpoint_is_recognised_and_loads_whole(classes: int, tmp_path: Path) -> None:
    state = published_state(classes)
    saved = {"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}}
    torch.save(saved, tmp_path / "file.pth")
    found, _ = read(tmp_path / "file.pth")
    network = Localizer.build("co_attention", TrunkChoice("vgg16", 8, 1 / 16), class_count=classes)

    report = fit(network, found, MCIS[0])

    assert identify(found, MCIS) is MCIS[0]
    assert len(report.loaded) == len(state) == 37
    assert not report.missing
    assert torch.equal(network.state_dict()["co_classifier.weight"], state["extra_gate.weight"])


def test_a_plain_vgg_is_no_such_file() -> None:
    state = {key: value for key, value in published_state(2).items() if key.startswith("vgg.")}

    assert identify(state, MCIS) is None
