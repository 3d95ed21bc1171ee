"""A recipe's options are described whole, with the values that its run would use."""

from __future__ import annotations

import json

import pytest

from training.describing import describe
from training.resolving import resolve_file


def test_description_is_json_and_complete() -> None:
    entries = describe(resolve_file("segmentation", {}))
    json.dumps(entries)
    assert {"machine_weight", "auxiliary_weight", "crop", "epochs"} <= {str(entry["name"]) for entry in entries}


def test_defaults_are_those_of_the_preset() -> None:
    gentle = resolve_file("classifier", {"method": "seam", "optimisation": {"preset": "pretrained"}})
    assert {entry["name"]: entry["default"] for entry in describe(gentle)}["rescale"] == pytest.approx(0.5)


def test_installed_trunks_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_wsss.networks.trunk.installed_trunks", lambda: ("mine",))
    trunk = next(entry for entry in describe(resolve_file("classifier", {})) if entry["name"] == "trunk")
    assert trunk["choices"][-1] == "mine"
    assert "timm/" in trunk["others"]


@pytest.mark.parametrize(("gpus", "offered"), [(0, False), (1, False), (2, True)])
def test_devices_together_are_offered_where_there_are_several(
    gpus: int, offered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    assert ("processes" in {entry["name"] for entry in describe(resolve_file("classifier", {}))}) is offered
