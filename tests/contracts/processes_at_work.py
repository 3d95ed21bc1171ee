"""Trains what a list of jobs says, alone or as one of several processes, and keeps what each process has at the end.

Started by a launcher: ``python -m torch.distributed.run ... -m tests.contracts.processes_at_work JOBS FOLDER``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from napari_wsss.project.project import Project
from training.distributed import World, joined, world
from training.execute import begin, carry_out, continued
from training.loop.learner import Learner
from training.report import Silent
from training.resolving import resolve_file
from training.run_folder import RunFolder


def carried_out(jobs: list[dict[str, Any]], folder: Path) -> None:
    """Write ``<name>-<rank>.pt`` for each job: the figures of every step, and the weights of every network trained.

    A job has ``name``, ``project``, ``recipe`` and ``config`` (as `resolve_file` takes it), and maybe ``resume``, the
    folder of a run, and ``stop_after``, the step after which it is asked to stop.
    """
    took = Learner.update
    with joined() as processes:
        for job in jobs:
            learners: dict[int, Learner] = {}
            figures: list[dict[str, float]] = []
            running: list[RunFolder] = []

            def noted(learner: Learner, *given: Any) -> dict[str, float]:
                found = took(learner, *given)
                if learner._order is not None:  # what is fitted beside is no training that is shared
                    learners[id(learner)] = learner  # noqa: B023 - used up before the next job
                    figures.append(found)  # noqa: B023
                    if learner.step == job.get("stop_after"):  # noqa: B023
                        running[0].request_stop()  # noqa: B023
                return found

            Learner.update = noted  # type: ignore[method-assign]  # seen from inside, on every process
            try:
                record = _trained(job, processes, running)
            finally:
                Learner.update = took  # type: ignore[method-assign]
            weights = [
                {name: value.cpu() for name, value in one.network.state_dict().items()} for one in learners.values()
            ]
            kept = {"figures": figures, "weights": weights, "record": record}
            torch.save(kept, folder / f"{job['name']}-{world().rank}.pt")


def _trained(job: dict[str, Any], processes: World, running: list[RunFolder]) -> dict[str, Any]:
    with Project.open_to_read(Path(job["project"])) as project:

        def chosen() -> Any:
            if "resume" in job:
                return continued(project, Path(job["resume"]))
            config = resolve_file(job["recipe"], job["config"])
            return config, begin(project, config)

        config, run = processes.first_does(chosen)
        running.append(run)
        outcome = carry_out(project, config, run, Silent())
    return {"steps": outcome.steps, "finished": outcome.finished, "run": str(run.path), **run.record}


if __name__ == "__main__":
    torch.set_num_threads(1)
    carried_out(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
