"""What holds for every recipe: two processes learn what one learns from the same pictures in the same steps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_wsss.core.registry import method_names
from tests.contracts.processes_at_work import carried_out
from tests.training.conftest import _no_plots, made_applied, made_project, tiny_config, tiny_data
from training.config import RECIPES, module_of

__all__ = ["_no_plots", "made_applied", "made_project", "tiny_config", "tiny_data"]

SMALL_TRUNK = {"network": {"trunk": "resnet18"}}
WANTED: dict[str, dict[str, Any]] = {
    "edam": {"optimisation": {"batch_size": 4}},
    "co_attention": {**SMALL_TRUNK, "optimisation": {"batch_size": 6}},
    "seam": {"parameters": {"rotation": 20.0, "shift": 4, "dropout": 0.5}},
    "sub_category": {"parameters": {"rounds": 1, "cluster_count": 2, "projection": "pca"}},
    "ldf": {"network": {"trunk": "resnet18", "output_stride": 32}, "augmentation": {"crop": 64}},
}
"""Method -> what it wants besides the tiny configuration; a method that is new is tried with that alone."""
STEPS = 5
ROUNDS = {"sub_category": 2, "ldf": 2}
ALONE = ("lpcam", "pixel_classifier")
"""Methods that one process of several trains."""
JOBS = {
    f"{recipe}-{method}": (recipe, method)
    for recipe, (shelf, _) in RECIPES.items()
    for method in method_names(shelf)
    if module_of(recipe, method) != "boundary" or (recipe, method) == ("boundary", "boundary_net")
    if (recipe, method) != ("affinity", "boundary_net")
}
Kept = dict[str, Any]


def _config(recipe: str, method: str) -> dict[str, Any]:
    """Return a configuration whose batches do not divide evenly, with batch norm that learns."""
    base: dict[str, dict[str, Any]] = {
        "network": {"trunk_weights": "none", "width": 0.0625},
        "optimisation": {
            **{"iterations": STEPS, "batch_size": 5, "warm_up": 0, "optimiser": "sgd", "freeze_batch_norm": False},
            # Steps that are larger let a network of random weights blow up what it is rounded by, a thousand times.
            **{"learning_rate": 0.001, "head_rate": 1.0, "freeze_stages": 0},
        },
        "augmentation": {"crop": 48},
        "hardware": {"threads": 1, "precision": "float32", "device": "cpu"},
    }
    own = WANTED.get(method, {})
    return {"method": method, **{name: {**base.get(name, {}), **own.get(name, {})} for name in {*base, *own}}}


@pytest.fixture(scope="module")
def run_by(made_applied: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function (jobs by name, number of processes) -> the folder of what each process had at the end."""

    def run(jobs: dict[str, dict[str, Any]], processes: int) -> Path:
        folder = tmp_path_factory.mktemp(f"processes-{processes}")
        for name, job in jobs.items():
            job.setdefault("project", str(shutil.copytree(made_applied, folder / f"project-{name}")))
        told = [{"name": name, **job} for name, job in jobs.items()]
        if processes == 1:
            carried_out(told, folder)
        else:
            (folder / "jobs.json").write_text(json.dumps(told), encoding="utf-8")
            at_once(processes, ["-m", "tests.contracts.processes_at_work", str(folder / "jobs.json"), str(folder)])
        return folder

    return run


def at_once(processes: int, command: list[str]) -> None:
    """Run a Python command as several processes by torchrun's module, on gloo."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    done = subprocess.run(
        [sys.executable, *launcher, *command],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def _kept(folder: Path, name: str, rank: int) -> Kept:
    found: Kept = torch.load(folder / f"{name}-{rank}.pt", weights_only=False)
    return found


@pytest.fixture(scope="module")
def by_one(run_by: Callable[..., Path]) -> Path:
    return run_by({name: {"recipe": what[0], "config": _config(*what)} for name, what in JOBS.items()}, 1)


@pytest.fixture(scope="module")
def by_two(run_by: Callable[..., Path]) -> Path:
    return run_by({name: {"recipe": what[0], "config": _config(*what)} for name, what in JOBS.items()}, 2)


@pytest.mark.parametrize("name", JOBS)
def test_two_processes_learn_what_one_learns(name: str, by_one: Path, by_two: Path) -> None:
    method = JOBS[name][1]
    one, first, second = _kept(by_one, name, 0), _kept(by_two, name, 0), _kept(by_two, name, 1)

    assert one["record"]["finished"]
    assert first["record"]["steps"] == one["record"]["steps"]
    if method in ALONE:
        assert not second["figures"]
        assert first["record"]["figures"] == pytest.approx(one["record"]["figures"], abs=1e-5)
        return
    assert len(one["figures"]) == STEPS * ROUNDS.get(method, 1)
    for seen in (first, second):
        for step, (found, expected) in enumerate(zip(seen["figures"], one["figures"], strict=True)):
            assert found == pytest.approx(expected, abs=1e-5, rel=1e-5), f"step {step}"
        for found, expected in zip(seen["weights"], one["weights"], strict=True):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
