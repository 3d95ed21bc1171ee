"""Listing known weights and saying what a file is: facts, fit, terms and the command that uses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from napari_wsss.project.project import Project
from napari_wsss.weights.download import sha256_of
from napari_wsss.weights.published import PUBLISHED
from tests.weights.states import deeplab_state, imagenet_state, resnet38_heads, resnet38_state
from training.run import main
from training.stages.weights import HEADER

Lines = Callable[[str], list[dict[str, Any]]]


def saved(path: Path, state: dict[str, Tensor]) -> Path:
    torch.save({key: torch.zeros(()).expand(value.shape) for key, value in state.items()}, path)
    return path


def test_the_table_has_every_origin_and_its_terms(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights"]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert all(column in lines[0] for column in HEADER)
    assert [line.split()[0] for line in lines[1:]] == [entry.name for entry in PUBLISHED]
    by_name = {line.split()[0]: line for line in lines[1:]}
    assert "20, background first" in by_name["seam_resnet38"]
    assert "https://github.com/YudeWang/SEAM" in by_name["seam_resnet38"]
    assert "(trunk)" in by_name["resnet50_imagenet"]
    start = lines[0].index("pixel masks")
    for entry in PUBLISHED:
        assert by_name[entry.name][start:].startswith("yes" if entry.pixel_supervised else "no")


def test_the_table_as_json_and_for_listeners(capsys: pytest.CaptureFixture[str], lines_of: Lines) -> None:
    assert main(["weights", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["weights"]
    assert main(["weights", "--events"]) == 0
    heard = next(line["weights"] for line in lines_of(capsys.readouterr().out) if "weights" in line)

    assert entries == heard
    assert [entry["name"] for entry in entries] == [entry.name for entry in PUBLISHED]
    assert all(entry["licence"] and entry["citation"] and entry["source"] for entry in entries)
    assert {entry["shelf"] for entry in entries} >= {"trunk", "localize", "segment"}


def test_a_published_network_says_how_to_use_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path / "a file.pth", resnet38_state(16, resnet38_heads("edam_resnet38", 20)))

    assert main(["weights", "--inspect", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["inspected"]
    assert (facts["name"], facts["shelf"], facts["network"]) == ("edam_resnet38", "localize", "edam")
    assert (facts["class_count"], facts["classes"][-1]) == (20, "tvmonitor")
    assert facts["sha256"] == sha256_of(path)
    assert facts["problem"] == ""
    assert "cross_image.segment" in facts["missing"]
    assert main(["weights", "--inspect", str(path)]) == 0
    text = capsys.readouterr().out
    assert f"use: python -m training.run adopt --project DIR --weights '{path}' --apply" in text
    assert "classes: 20, background last: aeroplane, " in text
    assert "EDAM on ResNet-38" in text
    assert "all rights are reserved" in text
    assert "missing (reduction.weight" in text


def test_a_trunk_is_given_as_trunk_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path / "a.pth", imagenet_state("resnet18"))

    assert main(["weights", "--inspect", str(path)]) == 0
    text = capsys.readouterr().out
    assert f"use: python -m training.run classifier --project DIR --trunk resnet18 --trunk-weights {path}" in text
    assert "2 left out (fc.weight, fc.bias)" in text


def test_pixel_supervision_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path / "a.pth", deeplab_state(21))

    assert main(["weights", "--inspect", str(path)]) == 0
    text = capsys.readouterr().out
    assert "trained on pixel masks: results built on it are not weakly supervised" in text
    assert "network: deeplab_v3 (segment) on resnet50" in text


def test_what_does_not_fit_gives_no_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = resnet38_state(16, resnet38_heads("psa_cls_resnet38", 5))
    del state["bn7.weight"]

    assert main(["weights", "--inspect", str(saved(tmp_path / "a.pth", state))]) == 0
    text = capsys.readouterr().out
    assert "does not fit:" in text
    assert "1 missing (trunk.norm.weight)" in text
    assert "use:" not in text


def test_a_file_of_ours(applied_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        checkpoint = project.folder / project.plan.localizer_checkpoint
        names = project.classes.names

    assert main(["weights", "--inspect", str(checkpoint)]) == 0
    text = capsys.readouterr().out
    assert "CAM, trained by this program" in text
    assert f"classes: {len(names)}: {', '.join(names)}" in text
    assert f"--weights {checkpoint} --apply" in text


def test_an_unknown_file_ends_with_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"x": torch.zeros(1)}, tmp_path / "a.pth")

    assert main(["weights", "--inspect", str(tmp_path / "a.pth")]) == 4
    assert "no known origin" in capsys.readouterr().err
