"""The scripts of docs/cluster.md do what the page says, under an `srun` that starts processes as SLURM's does."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from napari_wsss.session.runs.process import cluster_script
from tests.training.conftest import TINY, made_project, project_folder, tiny_data

pytestmark = pytest.mark.skipif(os.name == "nt", reason="scripts for clusters, which are no Windows")
__all__ = ["made_project", "project_folder", "tiny_data"]
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
SCRIPTS = [text for text in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if text.startswith("#!")]
SRUN = """#!{python}
import os, pathlib, signal, subprocess, sys, time

words = sys.argv[1:]
asked = []
while words[0].startswith("--"):
    asked.append(words.pop(0))
tasks = 1 if "--ntasks=1" in asked else int(os.environ["FAKE_TASKS"])
step = {{"SLURM_STEP_NUM_TASKS": str(tasks), "SLURM_STEP_ID": "0", "SLURM_STEP_NODELIST": "localhost"}}
children = [
    subprocess.Popen(words, env={{**os.environ, **step, "SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)}})
    for rank in range(tasks)
]
limit = pathlib.Path(os.environ["FAKE_LIMIT"])
while limit.exists() and children[0].poll() is None:
    time.sleep(0.1)
    noted = pathlib.Path(os.environ["FAKE_PROJECT"]).glob("training/*/events.jsonl")
    if any('"loss"' in path.read_text() for path in noted):
        limit.unlink()  # as if the time were over, once
        for child in children:
            child.send_signal(signal.SIGTERM)
sys.exit(max(child.wait() for child in children))
"""


def _started(script: str, project: Path, folder: Path, *, limited: bool = False) -> int:
    """Run a script as a job of two tasks on this machine, and return its exit code."""
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    for name, text in (
        ("srun", SRUN.format(python=sys.executable)),
        ("scontrol", f'#!/bin/sh\necho "$@" >> "{folder}/scontrol"\n'),
        ("python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'),
    ):
        (tools / name).write_text(text, encoding="utf-8")
        (tools / name).chmod(stat.S_IRWXU)
    if limited:
        (folder / "limit").touch()
    tiny = " ".join(
        ["--resume auto --device cpu --epochs 6", *(word for word in TINY if word not in ("--epochs", "2"))]
    )
    small = tiny.replace("--batch-size", "--batch-size 4")
    (folder / "job.sh").write_text(script.replace("/data/my_project", str(project)).replace("--resume auto", small))
    own = {
        **{"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        **{"FAKE_TASKS": "2", "FAKE_LIMIT": str(folder / "limit"), "FAKE_PROJECT": str(project)},
        **{"SLURM_JOB_ID": str(os.getpid()), "SLURM_NTASKS": "2", "SLURM_PROCID": "0", "SLURM_ARRAY_TASK_ID": "3"},
    }
    done = subprocess.run(
        ["bash", str(folder / "job.sh")], env={**os.environ, **own}, capture_output=True, text=True, timeout=240
    )
    sys.stderr.write(done.stderr[-3000:])  # shown where the test fails
    return done.returncode


def _record(project: Path) -> dict[str, object]:
    (path,) = project.glob("training/classifier-*/run.json")
    found: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_page_has_a_job_and_a_job_array() -> None:
    job, array = SCRIPTS
    assert "--signal=TERM" in job
    assert "scontrol requeue" in job
    assert "--array" in array


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_a_job_whose_time_is_over_is_requeued_and_goes_on(project_folder: Path, tmp_path: Path) -> None:
    script = SCRIPTS[0].replace("--method seam ", "")

    assert _started(script, project_folder, tmp_path, limited=True) == 3
    stopped = _record(project_folder)
    assert stopped["state"] == "stopped"
    assert (tmp_path / "scontrol").read_text() == f"requeue {os.getpid()}\n"

    assert _started(script, project_folder, tmp_path) == 0
    done = _record(project_folder)
    assert (done["state"], done["processes"], done["images_of_processes"]) == ("done", 2, [2, 2])
    assert done["started"] == stopped["started"], "the same run"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_job_of_an_array_trains_alone(project_folder: Path, tmp_path: Path) -> None:
    assert _started(SCRIPTS[1], project_folder, tmp_path) == 0
    done = _record(project_folder)
    assert (done["state"], done["processes"]) == ("done", 1)
    assert done["config"]["optimisation"]["seed"] == 3  # type: ignore[index]


def test_the_window_copies_the_script_of_the_page() -> None:
    options = {"method": "seam", "processes": 0}
    copied = cluster_script("classifier", Path("/data/my_project"), options)
    assert copied.replace("--job-name=classifier", "--job-name=seam") == SCRIPTS[0]
