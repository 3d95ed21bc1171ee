"""A project of eight generated images of 64 pixels, and the options that make a run on it take a second."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.core.masks import read_mask
from napari_wsss.processes.stage_list import Recipe
from napari_wsss.project.project import Project
from napari_wsss.sample.project import generate_sample
from training.config import RunConfig
from training.resolving import resolve_file
from training.stages.voc_folder import project_of

TINY = ["--trunk", "resnet18", "--trunk-weights", "none", "--width", "0.0625", "--epochs", "2", "--batch-size", "2"]
TINY += ["--crop", "48", "--warm-up", "0", "--precision", "float32", "--threads", "1"]


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a VOC-like folder: eight images, six of them train."""
    folder = tmp_path_factory.mktemp("tiny")
    generate_sample(folder, images=8, size=64)
    return folder


@pytest.fixture(autouse=True)
def _no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the curves of runs undrawn: half a second each. What runs as a child process or asks for them draws."""
    monkeypatch.setattr("training.execute.write_plot", lambda path, events, title: None)


@pytest.fixture(scope="session")
def made_project(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project that `project_folder` copies; do not write into it."""
    folder = tmp_path_factory.mktemp("made") / "project"
    with project_of(tiny_data, folder) as project:
        chosen = [*list(project.catalog.ids(split="train"))[:2], next(iter(project.catalog.ids(split="val")))]
        for image_id in chosen:
            project.review.accept(image_id, read_mask(tiny_data / "SegmentationClass" / f"{Path(image_id).stem}.png"))
    return folder


@pytest.fixture
def project_folder(made_project: Path, tmp_path: Path) -> Path:
    """Return a fresh project of `tiny_data` with two accepted train masks and one accepted val mask."""
    return shutil.copytree(made_project, tmp_path / "project")


@pytest.fixture(scope="session")
def tiny_config() -> Callable[..., RunConfig]:
    """Return a function (recipe, sections) -> a configuration that trains in a second."""

    def make(recipe: Recipe, method: str = "", **sections: dict[str, object]) -> RunConfig:
        base: dict[str, dict[str, object]] = {
            "network": {"trunk": "resnet18", "trunk_weights": "none", "width": 0.0625},
            "optimisation": {"epochs": 2, "batch_size": 2, "warm_up": 0},
            "augmentation": {"crop": 48},
            "hardware": {"threads": 1, "precision": "float32", "device": "cpu"},
        }
        chosen = {"method": method} if method else {}
        return resolve_file(recipe, {**chosen, **base, **{n: {**base.get(n, {}), **s} for n, s in sections.items()}})

    return make


@pytest.fixture(scope="session")
def made_applied(
    made_project: Path, tiny_config: Callable[..., RunConfig], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the project that `applied_folder` copies; do not write into it."""
    from training.execute import apply, begin, carry_out
    from training.report import EventLines

    folder = shutil.copytree(made_project, tmp_path_factory.mktemp("applied") / "project")
    with Project.open(folder) as project:
        config = tiny_config("classifier", optimisation={"epochs": 1})
        run = begin(project, config)
        carry_out(project, config, run, EventLines())
        apply(project, config, run)
    return folder


@pytest.fixture
def applied_folder(made_applied: Path, tmp_path: Path) -> Path:
    """Return a fresh project with a trained tiny classifier applied to it."""
    return shutil.copytree(made_applied, tmp_path / "project")


@pytest.fixture
def tiny() -> list[str]:
    """Return the options that make a training of six steps take a second."""
    return TINY


@pytest.fixture
def lines_of() -> Callable[[str], list[dict[str, Any]]]:
    """Return a function: what a stage printed -> the JSON lines in it."""
    return lambda text: [json.loads(line) for line in text.splitlines() if line.startswith("{")]
