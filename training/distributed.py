"""Which of several processes this one is, and what they tell one another; one alone is the case of one.

`torchrun` or SLURM's `srun` start a training as many times as there are devices. What the processes compute they agree
on by torch's own distributed package; the first of them owns what is on disk. Everything else hardly notices: `world()`
says who this process is, and code that only the first carries out runs there as if it were alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypeVar

from napari_wsss.core.errors import StepError, WsssError
from napari_wsss.core.progress import Steps, finish

Result = TypeVar("Result")

MEETING = timedelta(minutes=5)
"""How long the first processes wait for the last one to be started."""
PATIENCE = timedelta(days=1)
"""How long the others wait for what one does alone, such as proposals; one that is gone is noticed at once."""
_PORTS = 20_000, 20_000
"""First port, and number of ports, that jobs of SLURM meet at."""


class FirstFailed(StepError):
    """What the first process failed at, raised in the others: it is said by the first."""


@dataclass
class World:
    """The processes of a training, seen from one of them.

    Parameters
    ----------
    rank, size : int
        Number of this process, and how many there are.
    local_rank, local_size : int
        The same among those on this machine.
    launcher : str
        ``torchrun`` or ``srun``; "" for a process that is alone.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    launcher: str = ""
    _alone: int = 0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> World:
        """Return what torchrun's or SLURM's variables say; one that is alone without them."""
        size = _number(environment, "WORLD_SIZE")
        if size > 1:
            rank, local, here = (_number(environment, name) for name in ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE"))
            return cls(rank, size, local, here or size, launcher="torchrun")
        step = "SLURM_STEP_NUM_TASKS" in environment
        size = _number(environment, "SLURM_STEP_NUM_TASKS" if step else "SLURM_NTASKS")
        if size > 1 and "SLURM_PROCID" in environment:
            rank, local = (_number(environment, name) for name in ("SLURM_PROCID", "SLURM_LOCALID"))
            tasks = re.match(r"\d+", environment.get("SLURM_STEP_TASKS_PER_NODE", ""))
            return cls(rank, size, local, int(tasks.group()) if tasks else size, launcher="srun")
        return cls()

    @property
    def is_first(self) -> bool:
        """Whether this process owns what is on disk."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Whether what is asked and told here reaches other processes."""
        return self.size > 1 and not self._alone

    @property
    def processes(self) -> int:
        """How many share the work at hand: one while the first does something alone."""
        return self.size if self.several else 1

    def dealt(self, items: int, group: int = 1) -> tuple[range, ...]:
        """Return which of so many items each process takes: consecutive ones, whole groups, as evenly as possible."""
        return dealt(items, group, self.processes)

    def agreed(self, answer: bool) -> bool:
        """Return the first process's answer in all of them."""
        if not self.several:
            return answer
        import torch
        import torch.distributed as dist

        told = torch.tensor([answer], dtype=torch.uint8)
        dist.broadcast(told, 0)
        return bool(told)

    def any(self, answer: bool) -> bool:
        """Return, in all processes, whether one of them says yes."""
        if not self.several:
            return answer
        import torch
        import torch.distributed as dist

        told = torch.tensor([answer], dtype=torch.uint8)
        dist.all_reduce(told, dist.ReduceOp.MAX)
        return bool(told)

    def told(self, what: Result) -> Result:
        """Return what the first process has (anything that can be pickled) in all of them."""
        if not self.several:
            return what
        import torch
        import torch.distributed as dist

        parcel = [what]
        dist.broadcast_object_list(parcel, 0, device=torch.device("cpu"))
        return parcel[0]

    def by_first(self, steps: Steps[Result]) -> Steps[Result]:
        """Let the first process carry out steps as if it were alone; the others wait for the result.

        Raises
        ------
        FirstFailed
            In the others, where the first one raised an error.
        """
        if not self.several:
            return (yield from steps)
        if not self.is_first:
            steps.close()
            told: tuple[str, Any] = self.told(("", None))
            failed, received = told
            if failed:
                raise FirstFailed(failed)
            result: Result = received
            return result
        self._alone += 1
        try:
            found = yield from steps
        except Exception as error:  # whatever it is, the others wait for a word, and it is raised here as it was
            self._alone -= 1
            self.told((str(error) or type(error).__name__, None))
            raise
        self._alone -= 1
        self.told(("", found))
        return found

    def first_does(self, function: Callable[[], Result]) -> Result:
        """Return in all processes what a function gives in the first one; see `by_first`."""

        def steps() -> Steps[Result]:
            yield from ()
            return function()

        return finish(self.by_first(steps()))

    def device_name(self, wanted: str) -> str:
        """Return the device of this process, of the kind that is wanted: of several GPUs each process has its own."""
        if self.size == 1 or wanted not in ("auto", "cuda"):
            return wanted
        import torch

        there = torch.cuda.device_count()
        if not there:
            return "cpu" if wanted == "auto" else wanted
        if there > 1 and self.local_rank >= there:
            raise StepError(
                f"{self.local_size} processes on a machine with {there} GPUs; start one a GPU, or give --device cpu."
            )
        return f"cuda:{self.local_rank if there > 1 else 0}"  # srun may show each process a GPU of its own


def dealt(items: int, group: int, among: int) -> tuple[range, ...]:
    """Return so many items in so many consecutive parts that keep whole groups, as even as possible."""
    groups = -(-items // group)
    ends = [min(items, group * (groups * at // among)) for at in range(among + 1)]
    return tuple(range(start, end) for start, end in pairwise(ends))


_world = World()


def world() -> World:
    """Return the processes that this one belongs to."""
    return _world


@contextmanager
def joined(environment: Mapping[str, str] = os.environ) -> Iterator[World]:
    """Meet the other processes that a launcher started, and part from them; nothing to do for one alone.

    Raises
    ------
    StepError
        When they do not meet, or when one of them is gone later.
    """
    global _world
    found = World.from_environment(environment)
    if found.size == 1:
        yield found
        return
    import torch.distributed as dist

    _meet(found, environment)
    _world = found
    try:
        yield found
    except RuntimeError as error:  # what torch raises where another process is gone
        raise explained(error) from error
    else:
        found.any(True)  # nobody leaves while another one works
        dist.destroy_process_group()
    finally:
        _world = World()


def _meet(found: World, environment: Mapping[str, str]) -> None:
    import torch
    import torch.distributed as dist
    from torch.distributed.rendezvous import rendezvous

    by_device = torch.cuda.is_available() and dist.is_nccl_available()
    address, port = meeting_point(environment)
    try:
        place = "env://" if found.launcher == "torchrun" else f"tcp://{address}:{port}"
        store = next(rendezvous(place, found.rank, found.size, timeout=MEETING))[0]
        backend = "cpu:gloo,cuda:nccl" if by_device else "gloo"
        dist.init_process_group(backend, store=store, rank=found.rank, world_size=found.size, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise StepError(
            f"Process {found.rank} of {found.size} did not meet the others at {address}:{port} "
            f"({str(error).splitlines()[0]}). Start all of them at once, with torchrun or srun; in a batch script, "
            "srun stands before the command."
        ) from error


def meeting_point(environment: Mapping[str, str]) -> tuple[str, int]:
    """Return machine and port at which the processes meet; of SLURM the job's first machine and a port of its own."""
    nodes = environment.get("SLURM_STEP_NODELIST") or environment.get("SLURM_JOB_NODELIST", "")
    number = _number(environment, "SLURM_JOB_ID") + _number(environment, "SLURM_STEP_ID")
    first, count = _PORTS
    address = environment.get("MASTER_ADDR") or first_node(nodes) or "localhost"
    return address, _number(environment, "MASTER_PORT") or first + number % count


def first_node(nodes: str) -> str:
    """Return the first machine of a list as SLURM writes it: ``gpu[03-05,9],other`` gives ``gpu03``."""
    found = re.match(r"([^,\[]*)(?:\[(\w+))?", nodes.strip())
    return "".join(part or "" for part in found.groups()) if found else ""


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "")
    return int(text) if text.isdecimal() else 0


def explained(error: BaseException) -> BaseException:
    """Return the error itself, or a sentence in its place where it says that another process is not there any more."""
    if world().size == 1 or isinstance(error, WsssError) or not isinstance(error, RuntimeError):
        return error
    import torch.distributed as dist

    words = ("Connection closed by peer", "Connection reset", "Broken pipe", "gloo", "NCCL")
    if not isinstance(error, dist.DistError) and not any(word in str(error) for word in words):
        return error
    return StepError(
        f"Another one of the {world().size} processes ended, and with it this training. "
        "Start the same command again to go on."
    )
