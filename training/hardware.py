"""Device, threads and precision of a run."""

import os
from dataclasses import dataclass

import torch

from napari_wsss.core.errors import ParameterError
from napari_wsss.networks.device import background_threads, bf16_pays, choose_device
from training.config import Hardware
from training.data.picture_memory import choose_capacity
from training.distributed import world

AMPERE = (8, 0)
"""Compute capability of the first GPUs that compute in bfloat16."""


@dataclass(frozen=True)
class Machine:
    """What a process computes on.

    Parameters
    ----------
    device : torch.device
    half : torch.dtype, optional
        Type of forward passes where they are not in float32.
    compiles : bool
        Whether `torch.compile` is wanted.
    """

    device: torch.device
    half: torch.dtype | None = None
    compiles: bool = False


def prepare(hardware: Hardware) -> Machine:
    """Set the number of CPU threads; return what this process computes on.

    Raises
    ------
    ParameterError
        When the device does not exist here.
    """
    try:
        device = choose_device(world().device_name(hardware.device))
    except ValueError as reason:
        raise ParameterError(str(reason), name="device") from reason
    choose_capacity(hardware.cache)
    if hardware.threads:
        torch.set_num_threads(hardware.threads)
    elif world().size > 1:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // world().local_size))
    else:
        background_threads()
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
    return Machine(device, _half(hardware.precision, device), hardware.compile)


def _half(precision: str, device: torch.device) -> torch.dtype | None:
    if precision == "auto":
        # What pays on a CPU is found by a stopwatch: all processes have to find the same.
        return world().first_does(lambda: half_that_pays(device))
    return {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]


def half_that_pays(device: torch.device) -> torch.dtype | None:
    """Return the short type that is clearly faster than float32 on a device, None where there is none.

    GPUs before Ampere (V100, T4, RTX 20) emulate bfloat16 slowly; they have float16, which needs its loss scaled.
    """
    if device.type == "cuda" and torch.version.hip is None and torch.cuda.get_device_capability(device) < AMPERE:
        return torch.float16
    return torch.bfloat16 if bf16_pays(device) else None


def out_of_memory(error: BaseException) -> bool:
    """Return whether `error` says that memory ran out, on any device and in Python."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # CPU and MPS allocators, and some CUDA libraries, raise a plain RuntimeError.
    words = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)
