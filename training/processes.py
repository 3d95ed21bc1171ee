"""How many processes a launcher started: everything here runs in one, several would write the same run."""

import os
from collections.abc import Mapping

from napari_wsss.core.errors import StepError

_COUNTS = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
"""Variables of torchrun, mpirun and srun that hold the number of processes."""


def refuse_several(stage: str, environment: Mapping[str, str] = os.environ) -> None:
    """Raise `StepError` where a launcher started this stage as one of several processes.

    Parameters
    ----------
    stage : str
        In the message.
    environment : mapping of str to str
        Of the process. Outside of a job step SLURM says only how many tasks the job may have (``SLURM_NTASKS``); that
        counts where the process has a rank among them (``SLURM_PROCID``).
    """
    names = [*_COUNTS]
    if "SLURM_STEP_NUM_TASKS" not in environment and "SLURM_PROCID" in environment:
        names.append("SLURM_NTASKS")
    for name in names:
        if _count(environment.get(name, "")) > 1:
            raise StepError(
                f"A launcher started {environment[name]} processes ({name}={environment[name]}), but {stage} runs in "
                "one: all of them would write the same files. Start it once, without torchrun, or with srun --ntasks=1."
            )


def _count(text: str) -> int:
    return int(text) if text.isdecimal() else 1
