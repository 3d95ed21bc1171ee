"""Taking a network of any shelf from elsewhere into a project: a finished run, applied like any other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_wsss.core.classes import ClassList
from napari_wsss.core.registry import load_method
from napari_wsss.localize.base import Localizer
from napari_wsss.networks.trunk import build_trunk
from napari_wsss.pipeline import run as pipeline
from napari_wsss.project.project import Project
from napari_wsss.published import WITH_CLASSES, shelf_of
from napari_wsss.session.runs.folders import RunInfo, runs_in
from napari_wsss.weights.download import sha256_of
from napari_wsss.weights.published import published
from tests.parity.recipe import fixture_path
from tests.weights.states import resnet38_heads, resnet38_state
from training.resolving import read_config, resolve_file
from training.run import main
from training.stages.adopt import opened

Lines = Callable[[str], list[dict[str, Any]]]


def adopted_runs(project_folder: Path) -> list[RunInfo]:
    with Project.open(project_folder, read_only=True) as project:
        return runs_in(project.training_folder)


def command(project_folder: Path, weights: Path, *more: str) -> list[str]:
    return ["adopt", "--project", str(project_folder), "--weights", str(weights), *more]


@pytest.fixture
def psa_file(project_folder: Path, tmp_path: Path) -> Path:
    """Return a file in PSA's layout for as many classes as the project has."""
    with Project.open(project_folder, read_only=True) as project:
        count = len(project.classes)
    torch.save(resnet38_state(16, resnet38_heads("psa_cls_resnet38", count)), tmp_path / "res38_cls.pth")
    return tmp_path / "res38_cls.pth"


def test_a_published_file_becomes_a_finished_run(
    project_folder: Path, psa_file: Path, capsys: pytest.CaptureFixture[str], lines_of: Lines
) -> None:
    assert main(command(project_folder, psa_file, "--events")) == 0
    shown = capsys.readouterr().out
    facts = next(line["adopted"] for line in lines_of(shown) if "adopted" in line)
    runs = adopted_runs(project_folder)

    assert [(run.state, run.stage, run.config["method"]) for run in runs] == [("done", "classifier", "cam")]
    assert runs[0].folder.name.startswith("adopted-")
    assert runs[0].checkpoint is not None
    assert not runs[0].can_resume
    assert "Semantic Affinity" in facts["citation"]
    assert facts["licence"].startswith("MIT")
    assert (facts["missing"], facts["unexpected"], facts["named"]) == ([], [], False)
    localizer, _, what = Localizer.restore(runs[0].checkpoint, "cpu")
    assert what.trunk.name == "resnet38"
    assert torch.equal(localizer.get_parameter("trunk.stem.weight"), torch.load(psa_file)["conv1a.weight"])
    config = resolve_file("classifier", read_config(runs[0].folder, "classifier"))
    assert config.network.trunk_weights == str(psa_file)
    assert main(command(project_folder, psa_file)) == 0
    assert "The file does not name its classes" in capsys.readouterr().out
    assert len(adopted_runs(project_folder)) == 1


def test_applied_it_makes_the_projects_maps(project_folder: Path, psa_file: Path) -> None:
    assert main(command(project_folder, psa_file, "--apply")) == 0

    with Project.open(project_folder) as project:
        image_id = next(iter(project.catalog.ids(split="val")))
        assert project.plan.localizer_checkpoint.startswith("training/adopted-")
        list(pipeline.localize(project, [image_id], "cpu"))
        assert pipeline.base_maps(project, image_id) is not None


# Key list (a parity fixture, or DeepLab v1's own) -> its origin, the recipe it belongs to and the plan's entry.
NETWORKS = {
    "irn_cam": ("irn_cam_resnet50", "classifier", "localizer"),
    "mcis": ("mcis_vgg16", "classifier", "localizer"),
    "psa_affinity": ("psa_affinity_resnet38", "affinity", "affinity"),
    "irn_edge_displacement": ("irnet_resnet50", "boundary", "affinity"),
    "ldf": ("ldf_resnet50", "saliency", "saliency"),
    "deeplab_v1": ("deeplab_v1_resnet38_seam", "segmentation", "segmenter"),
}
NORM = ("weight", "bias", "running_mean", "running_var")


def their_keys(name: str) -> list[str]:
    if name == "deeplab_v1":
        head = ("conv_fov.weight", "conv_fov2.weight", "cls_conv.weight", "cls_conv.bias")
        norms = [f"{norm}.{part}" for norm in ("bn_fov", "bn_fov2") for part in NORM]
        return [*(f"backbone.{key}" for key in resnet38_state(64)), *head, *norms]
    with np.load(fixture_path(name), allow_pickle=False) as file:
        return [key for key, _ in json.loads(str(file["meta"]))["keys"]]


def narrow_state(name: str, classes: int) -> dict[str, torch.Tensor]:
    """Return a random file of an origin at 1/16 of the published width: the shapes are those of our network."""
    entry = published(NETWORKS[name][0])
    shelf = shelf_of(entry)
    assert shelf is not None
    method = load_method(shelf, entry.network)
    trunk = build_trunk(entry.trunk, output_stride=entry.output_stride, width=1 / 16, dilated=entry.dilated)
    network = method(classes, trunk) if shelf in WITH_CLASSES else method(trunk)
    parts = [part.state_dict() for part in (network, *network.children())]
    keys = their_keys(name)
    ours = max(parts, key=lambda part: sum(entry.renamed(key) in part for key in keys))
    return {key: torch.rand(ours[entry.renamed(key)].shape) for key in keys if entry.renamed(key) in ours}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_every_shelf_are_taken_and_applied(
    project_folder: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], lines_of: Lines
) -> None:
    origin, recipe, place = NETWORKS[name]
    entry, shelf = published(origin), shelf_of(published(origin))
    if shelf is None:
        pytest.skip(f"{entry.network} is not there")
    with Project.open(project_folder, read_only=True) as project:
        count = len(project.classes)
    state = narrow_state(name, count)
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "a.pth")

    assert main(command(project_folder, tmp_path / "a.pth", "--apply", "--events")) == 0
    facts = next(line["adopted"] for line in lines_of(capsys.readouterr().out) if "adopted" in line)
    assert (facts["name"], facts["shelf"], facts["method"]) == (origin, shelf, entry.network)
    assert facts["pixel_supervised"] is entry.pixel_supervised
    assert facts["missing"] == []
    assert facts["sha256"] == sha256_of(tmp_path / "a.pth")
    (run,) = adopted_runs(project_folder)
    assert (run.state, run.stage, run.config["method"]) == ("done", recipe, entry.network)
    with Project.open(project_folder, read_only=True) as project:
        assert getattr(project.plan, place).method == entry.network
        checkpoint = project.folder / getattr(project.plan, f"{place}_checkpoint")
    network, _, what = load_method(shelf, entry.network).restore(checkpoint, "cpu")
    assert what.run["adopted"] == json.loads(json.dumps(facts))
    assert (what.trunk.output_stride, what.trunk.dilated) == (entry.output_stride, entry.dilated)
    assert network.normalisation == entry.normalisation
    # An adopted network can go on to another project, with its terms.
    again = opened(checkpoint, what.classes or ClassList(["any"]))
    assert (again.facts["licence"], again.facts["pixel_supervised"]) == (entry.licence, entry.pixel_supervised)


def test_a_wrong_file_ends_with_4_and_leaves_no_run(
    project_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(resnet38_state(16, resnet38_heads("psa_cls_resnet38", 20)), tmp_path / "voc.pth")
    (tmp_path / "page.pth").write_text("<!DOCTYPE html><html>sign in</html>")

    for name, message in (("voc.pth", "is for 20 classes"), ("page.pth", "web page"), ("none.pth", "no weights file")):
        assert main(command(project_folder, tmp_path / name)) == 4
        assert message in capsys.readouterr().err
    assert adopted_runs(project_folder) == []


def test_a_checkpoint_of_another_project_is_taken_too(
    applied_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        checkpoint = project.folder / project.plan.localizer_checkpoint
        names = list(project.classes.names)
    for name, classes in (("same", names[1:]), ("other", [*names, "yak"])):
        Project.create(tmp_path / name, tmp_path, ClassList(classes), []).close()

    assert main(command(tmp_path / "same", checkpoint)) == 0
    assert "trained by this program" in capsys.readouterr().out
    adopted = adopted_runs(tmp_path / "same")[0].checkpoint
    assert adopted is not None
    ours, theirs = Localizer.restore(adopted, "cpu"), Localizer.restore(checkpoint, "cpu")
    assert ours[1] == theirs[1]
    assert all(torch.equal(a, b) for a, b in zip(ours[0].parameters(), theirs[0].parameters(), strict=True))
    assert main(command(tmp_path / "other", checkpoint)) == 4
    assert "yak" in capsys.readouterr().err
