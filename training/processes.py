"""How many processes a launcher started: most stages run in one, as several would write the same files."""

import os
from collections.abc import Mapping

from napari_wsss.core.errors import StepError
from training.distributed import World

_MPI = "OMPI_COMM_WORLD_SIZE"
_COUNTS = ("WORLD_SIZE", _MPI, "SLURM_STEP_NUM_TASKS")
"""Variables of torchrun, mpirun and srun that hold the number of processes."""


def refuse_several(stage: str, environment: Mapping[str, str] = os.environ, *, shares: bool = False) -> None:
    """Raise `StepError` where a launcher started this stage as one of several processes, which it cannot share.

    Parameters
    ----------
    stage : str
        In the message.
    environment : mapping of str to str
        Of the process. Outside of a job step SLURM says only how many tasks the job may have (``SLURM_NTASKS``); that
        counts where the process has a rank among them (``SLURM_PROCID``).
    shares : bool
        Whether several processes can do it together (`training.distributed`), started by torchrun or srun.
    """
    if shares:
        if World.from_environment(environment).size == 1 and _count(environment.get(_MPI, "")) > 1:
            raise StepError(
                f"mpirun started {environment[_MPI]} processes ({_MPI}={environment[_MPI]}), which do not find one "
                f"another; start {stage} with torchrun or srun (docs/cluster.md)."
            )
        return
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
