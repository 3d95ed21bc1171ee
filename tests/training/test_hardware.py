from __future__ import annotations

import pytest
import torch

from napari_wsss.core.errors import ParameterError
from training.config import Hardware
from training.distributed import World
from training.hardware import Machine, half_that_pays, out_of_memory, prepare


@pytest.fixture(autouse=True)
def _threads_put_back():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_device_threads_and_precision() -> None:
    assert prepare(Hardware(device="cpu", threads=1, precision="float32")) == Machine(torch.device("cpu"))
    assert torch.get_num_threads() == 1
    assert prepare(Hardware(device="cpu", threads=1, precision="bfloat16")).half is torch.bfloat16
    assert prepare(Hardware(device="cpu", threads=1, precision="float16", compile=True)).compiles


@pytest.mark.parametrize(("capability", "found"), [((7, 5), torch.float16), ((8, 0), torch.bfloat16)])
def test_gpus_that_emulate_bfloat16_take_float16(
    capability: tuple[int, int], found: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda device: capability)
    monkeypatch.setattr("training.hardware.bf16_pays", lambda device: True)  # emulated counts, too
    assert half_that_pays(torch.device("cuda:0")) is found


def test_the_processes_of_a_machine_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr("training.hardware.world", lambda: World(0, 4, 0, 4))
    prepare(Hardware(device="cpu", precision="float32"))
    assert torch.get_num_threads() == 2


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
