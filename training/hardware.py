"""Device, threads and precision of a run."""

import torch

from napari_wsss.core.errors import ParameterError
from napari_wsss.networks.device import background_threads, bf16_pays, choose_device
from training.config import Hardware


def prepare(hardware: Hardware) -> tuple[torch.device, bool]:
    """Set the number of CPU threads; return the device and whether forward passes run in bfloat16.

    Raises
    ------
    ParameterError
        When the device does not exist here.
    """
    try:
        device = choose_device(hardware.device)
    except ValueError as reason:
        raise ParameterError(str(reason), name="device") from reason
    if hardware.threads:
        torch.set_num_threads(hardware.threads)
    else:
        background_threads()
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
    bf16 = hardware.precision == "bfloat16" or (hardware.precision == "auto" and bf16_pays(device))
    return device, bf16


def out_of_memory(error: BaseException) -> bool:
    """Return whether `error` says that memory ran out, on any device and in Python."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # CPU and MPS allocators, and some CUDA libraries, raise a plain RuntimeError.
    words = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)
