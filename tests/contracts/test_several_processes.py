"""What holds for every recipe: two processes learn what one learns from the same pictures in the same steps."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_wsss.core.registry import method_names
from napari_wsss.weights.checkpoint import load_checkpoint
from tests.contracts.processes_at_work import carried_out
from tests.training.conftest import _no_plots, made_applied, made_project, tiny_config, tiny_data
from training.command_line import BAD_DATA
from training.config import RECIPES, module_of

__all__ = ["_no_plots", "made_applied", "made_project", "tiny_config", "tiny_data"]

WANTED: dict[str, dict[str, Any]] = {
    "edam": {"optimisation": {"batch_size": 4}},
    "co_attention": {"optimisation": {"batch_size": 6}},
    "seam": {"parameters": {"rotation": 20.0, "shift": 4, "dropout": 0.5}},
    "sub_category": {"parameters": {"rounds": 1, "cluster_count": 2, "projection": "pca"}},
    # Its loss begins three times as large; with seed 0 one unit is so close to 0 that rounding switches it.
    "deeplab_v1_resnet38": {"optimisation": {"learning_rate": 1e-4, "seed": 1}},
    "ldf": {"network": {"output_stride": 32}, "augmentation": {"crop": 64}},
}
"""Method -> what it wants besides the tiny configuration; a method that is new is tried with that alone."""
STEPS = 4
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
QUICK = frozenset(
    {
        "classifier-seam",  # a share of the hardest pixels, and a minimum
        "classifier-edam",
        "classifier-co_attention",  # pairs
        "segmentation-deeplab_v3plus",
        "affinity-affinity_net",  # ratios of sums
        "saliency-ldf",
    }
)
"""Those that every run of the tests tries; the others are `slow`."""
MEASURED = "displacement_head.mean"
"""What the first process measures when it keeps a model; nothing learns by it."""
RESUMED = "classifier-cam"
STOPPED, CONTINUED = f"{RESUMED}-stopped", f"{RESUMED}-continued"
Kept = dict[str, Any]
SLOW = pytest.mark.slow
pytestmark = pytest.mark.timeout(600)  # one start of two processes for everything that follows


def _config(recipe: str, method: str) -> dict[str, Any]:
    """Return a configuration whose batches do not divide evenly, with batch norm that learns."""
    base: dict[str, dict[str, Any]] = {
        "network": {"trunk": "resnet18", "trunk_weights": "none", "width": 0.0625},
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
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def _kept(folder: Path, name: str, rank: int) -> Kept:
    found: Kept = torch.load(folder / f"{name}-{rank}.pt", weights_only=False)
    return found


@pytest.fixture(scope="module")
def jobs(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    """Return the jobs of the tests that were chosen, all of which one start of processes carries out."""
    chosen = {item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")}
    names = [name for name in JOBS if name in chosen or name == RESUMED]
    return {name: {"recipe": JOBS[name][0], "config": _config(*JOBS[name])} for name in names}


@pytest.fixture(scope="module")
def by_one(run_by: Callable[..., Path], jobs: dict[str, dict[str, Any]]) -> Path:
    return run_by({STOPPED: _begun(), **{name: {**job} for name, job in jobs.items()}}, 1)


@pytest.fixture(scope="module")
def by_two(run_by: Callable[..., Path], jobs: dict[str, dict[str, Any]], by_one: Path) -> Path:
    told = {STOPPED: _begun(), CONTINUED: _continued(by_one)}
    return run_by({**told, **{name: {**job} for name, job in jobs.items()}}, 2)


def _begun() -> dict[str, Any]:
    return {"recipe": "classifier", "config": _config("classifier", "cam"), "stop_after": 2}


def _continued(folder: Path) -> dict[str, Any]:
    """Return the job that goes on where one was stopped; it is still where it was begun."""
    stopped = _kept(folder, STOPPED, 0)["record"]
    assert (stopped["finished"], stopped["steps"]) == (False, 2)
    return {**_begun(), "stop_after": 0, "resume": stopped["run"], "project": str(folder / f"project-{STOPPED}")}


def _same(found: Kept, expected: Kept, of_all: bool) -> None:
    """Compare losses of all steps, and weights and running statistics at the end."""
    for step, (one, other) in enumerate(zip(found["figures"], expected["figures"], strict=True)):
        # The norm is of everything that rounding has changed.
        assert one.pop("gradient_norm") == pytest.approx(other["gradient_norm"], rel=1e-4, abs=1e-5), f"step {step}"
        wanted = {name: value for name, value in other.items() if name != "gradient_norm"}
        assert one == pytest.approx(wanted, rel=1e-5, abs=1e-5), f"step {step}"
    for one, other in zip(found["weights"], expected["weights"], strict=True):
        for name in other:
            if of_all or not name.endswith(MEASURED):
                torch.testing.assert_close(one[name], other[name], rtol=1e-5, atol=1e-5, msg=f"{name} differs")


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in QUICK else SLOW) for name in JOBS])
def test_two_processes_learn_what_one_learns(name: str, by_one: Path, by_two: Path) -> None:
    method = JOBS[name][1]
    one, first, second = _kept(by_one, name, 0), _kept(by_two, name, 0), _kept(by_two, name, 1)

    assert one["record"]["finished"]
    assert first["record"]["steps"] == one["record"]["steps"]
    assert first["record"]["figures"] == pytest.approx(one["record"]["figures"], abs=1e-4)
    if method in ALONE:
        assert not second["figures"]
        return
    assert len(one["figures"]) == STEPS * ROUNDS.get(method, 1)
    assert (first["record"]["processes"], one["record"]["processes"]) == (2, 1)
    assert first["record"]["batch_norm"] in ("synchronised", "frozen")
    _same(first, one, True)
    _same(second, one, False)


def test_a_run_goes_on_with_more_processes(by_one: Path, by_two: Path) -> None:
    _same_in_the_end(_kept(by_two, CONTINUED, 0), _kept(by_one, RESUMED, 0))


@pytest.mark.slow
def test_a_run_goes_on_with_fewer_processes(run_by: Callable[..., Path], by_one: Path, by_two: Path) -> None:
    alone = run_by({CONTINUED: _continued(by_two)}, 1)

    _same_in_the_end(_kept(alone, CONTINUED, 0), _kept(by_one, RESUMED, 0))


def _same_in_the_end(found: Kept, whole: Kept) -> None:
    assert (found["record"]["finished"], found["record"]["steps"]) == (True, STEPS)
    _same(found, {**whole, "figures": whole["figures"][2:]}, True)


@pytest.mark.slow
def test_a_killed_process_ends_the_training_with_a_sentence_and_a_good_checkpoint(
    made_applied: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(made_applied, tmp_path / "project")
    options = ["--trunk-weights", "none", "--width", "0.0625", "--batch-size", "2", "--crop", "48", "--warm-up", "0"]
    command = [sys.executable, "-m", "training.run", "classifier", "--project", str(folder), *options]
    command += ["--precision", "float32", "--threads", "1", "--device", "cpu", "--epochs", "5000", "--events"]
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    told = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    first, second = (
        subprocess.Popen(
            command,
            env={**told, "RANK": rank, "LOCAL_RANK": rank},
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    )
    try:
        assert first.stdout is not None
        validated = next((True for line in iter(first.stdout.readline, "") if '"validated"' in line), False)
        second.kill()
        _, said = first.communicate(timeout=240)
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()

    assert validated
    assert first.returncode == BAD_DATA
    assert [line for line in said.splitlines() if "process" in line and "Warning" not in line] == [
        "Another one of the 2 processes ended, and with it this training. Start the same command again to go on."
    ]
    (run,) = (path.parent for path in folder.glob("training/classifier-*/resume.safetensors") if _is_failed(path))
    assert load_checkpoint(run / "resume.safetensors")[1]["step"] > 0
    assert "last good checkpoint" in json.loads((run / "run.json").read_text(encoding="utf-8"))["error"]


def _is_failed(checkpoint: Path) -> bool:
    state = json.loads((checkpoint.parent / "run.json").read_text(encoding="utf-8"))["state"]
    return bool(state == "failed")
