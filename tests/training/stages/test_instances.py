"""The stage of instances: pictures and table of a project, and that two objects of one class are two."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.affinity.base import AffinityModel
from napari_wsss.affinity.boundary_net import BoundaryNet
from napari_wsss.core.affinities import Affinities
from napari_wsss.core.inference import Inference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.pipeline.lineage import with_model
from napari_wsss.project.project import Project
from training.run import main
from training.stages import instances as stage

SMALL = TrunkChoice("resnet18", width=1 / 16)


@pytest.fixture
def boundary_folder(applied_folder: Path) -> Path:
    """Return the project with a classifier and a random boundary network applied to it."""
    return _with_network(applied_folder, "boundary_net")


def _with_network(folder: Path, method: str) -> Path:
    with Project.open(folder) as project:
        AffinityModel.build(method, SMALL).save(project.training_folder / "b.safetensors", None, {})
        checkpoint = (project.training_folder / "b.safetensors").relative_to(project.folder).as_posix()
        project.set_plan(with_model(project.plan, "affinity", method, checkpoint))
    return folder


def test_every_image_has_a_picture_and_every_instance_a_row(boundary_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "found"
    arguments = ["instances", "--project", str(boundary_folder), "--split", "val", "--out", str(out), "--events"]
    assert main([*arguments, "--threads", "1", "--threshold", "0.1"]) == 0

    with Project.open(boundary_folder, read_only=True) as project:
        ids, names = list(project.catalog.ids(split="val")), project.classes.names
    with (out / stage.TABLE).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for image_id in ids:
        with Image.open(out / f"{image_id}.png") as picture:
            values = np.asarray(picture)
        mine = [row for row in rows if row["image"] == image_id]
        assert values.shape == (64, 64)
        assert sorted(np.unique(values[values > 0])) == [int(row["instance"]) for row in mine]
        for row in mine:
            assert (values == int(row["instance"])).sum() == int(row["pixels"])
            assert row["class"] in names
            assert 0 < float(row["score"]) <= 1


def test_two_objects_of_a_class_are_two_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    height, width, middle = 16, 32, 16
    places = np.indices((height, width)).astype(np.float32)
    centres = np.where(np.arange(width) < middle, 7.5, 23.5)
    displacement = np.stack([7.5 - places[0], centres - places[1]]).astype(np.float32)
    boundary = np.zeros((height, width), np.float32)
    boundary[:, middle - 1 : middle + 1] = 1
    values = np.ones((1, height, width), np.float32) * (1 - boundary)
    values[0, :, -1] = 0
    known = Affinities(values, np.array([[0, 1]]), boundary)
    monkeypatch.setattr(BoundaryNet, "infer", lambda *_: known)
    monkeypatch.setattr(stage, "infer_displacement", lambda *_: displacement)
    network = AffinityModel.build("boundary_net", SMALL)
    assert isinstance(network, BoundaryNet)
    scores = np.zeros((1, 64, 128), np.float32)
    scores[0, 8:56, 8:56], scores[0, 8:56, 72:120] = 0.9, 0.6

    found = stage.find_instances(
        network,
        np.zeros((64, 128, 3), np.uint8),
        ActivationMaps(scores, (4,)),
        Inference(),
        stage.InstanceSettings(still=1.0),
    )

    assert found.classes.tolist() == [4, 4]
    assert [mask[30, [30, 90]].tolist() for mask in found.masks] == [[True, False], [False, True]]


def test_without_displacements_boundary_is_named(applied_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (applied_folder, _with_network(applied_folder, "affinity_net")):
        assert main(["instances", "--project", str(folder), "--out", str(folder / "x"), "--events"]) == 4
        assert "training.run boundary" in capsys.readouterr().err


def test_an_image_labelled_none_has_no_instances_and_one_not_labelled_is_named(
    boundary_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(boundary_folder) as project:
        image_id, other = list(project.catalog.ids())[:2]
        project.catalog.set_labels(image_id, frozenset(), negative=True)
        project.catalog.set_labels(other, frozenset())
    arguments = ["instances", "--project", str(boundary_folder), "--ids", image_id, "--out", str(tmp_path), "--events"]

    assert main([*arguments, "--threads", "1"]) == 0
    with Image.open(tmp_path / f"{image_id}.png") as picture:
        assert not np.asarray(picture).any()
    arguments[arguments.index("--ids") + 1] = other
    main([*arguments, "--threads", "1"])
    assert f"{other}: it is not labelled yet" in "".join(capsys.readouterr())
    assert not (tmp_path / f"{other}.png").exists()
