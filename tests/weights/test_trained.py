"""Trained networks on disk: a round trip, and files that are something else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import WeightsError
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.weights.checkpoint import save_checkpoint
from napari_wsss.weights.normalisation import TENSORFLOW
from napari_wsss.weights.trained import Trained, load_trained, save_trained

WHAT = Trained(
    "localize",
    "cam",
    {"dropout": 0.5},
    TrunkChoice("resnet18", 8, 0.25),
    TENSORFLOW,
    ClassList(["red fox", "owl"]),
    {"epochs": 3},
    480,
)


def test_tensors_and_description_come_back(tmp_path: Path) -> None:
    state = {"a.weight": torch.randn(2, 3), "a.count": torch.tensor(7)}

    save_trained(tmp_path / "net.safetensors", state, WHAT)
    found, what = load_trained(tmp_path / "net.safetensors", "localize")

    assert what == WHAT
    assert set(found) == set(state)
    assert all(torch.equal(found[key], state[key]) for key in state)


def test_a_file_of_before_does_not_say_its_side() -> None:
    record = WHAT.to_dict()
    del record["side"]
    assert Trained.from_dict(record) == replace(WHAT, side=0)


def test_a_network_may_have_no_classes(tmp_path: Path) -> None:
    without = replace(WHAT, shelf="saliency", classes=None)

    save_trained(tmp_path / "net.safetensors", {"a": torch.zeros(1)}, without)
    _, what = load_trained(tmp_path / "net.safetensors", "saliency")

    assert what == without
    with pytest.raises(WeightsError, match="without its classes"):
        what.known_classes()


def test_a_network_of_another_shelf_is_refused(tmp_path: Path) -> None:
    save_trained(tmp_path / "net.safetensors", {"a": torch.zeros(1)}, WHAT)

    with pytest.raises(WeightsError, match=r"localize network \(cam\)"):
        load_trained(tmp_path / "net.safetensors", "segment")


def test_a_checkpoint_without_a_description_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "net.safetensors", {"a": torch.zeros(1)}, {"epoch": 1})

    with pytest.raises(WeightsError, match="not a network trained here"):
        load_trained(tmp_path / "net.safetensors", "localize")
