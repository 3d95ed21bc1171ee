from __future__ import annotations

import pytest
import torch

from napari_wsss.core.errors import ParameterError
from training.config import Hardware
from training.hardware import out_of_memory, prepare


@pytest.fixture(autouse=True)
def _threads_put_back():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_device_threads_and_precision() -> None:
    assert prepare(Hardware(device="cpu", threads=1, precision="float32")) == (torch.device("cpu"), False)
    assert torch.get_num_threads() == 1
    assert prepare(Hardware(device="cpu", threads=1, precision="bfloat16"))[1]


def test_a_device_that_is_not_there_is_a_parameter_error() -> None:
    with pytest.raises(ParameterError, match="cuda:97"):
        prepare(Hardware(device="cuda:97"))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    ],
)
def test_what_counts_as_out_of_memory(error: BaseException) -> None:
    assert out_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("out of memory of the past")])
def test_what_does_not(error: BaseException) -> None:
    assert not out_of_memory(error)
