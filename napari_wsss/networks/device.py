"""Which device computes, how many threads it may use, and whether bfloat16 pays there."""

import os
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def choose_device(name: str = "auto") -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    name : str
        ``auto`` (CUDA, else MPS, else CPU), ``cpu``, ``mps``, ``cuda`` or ``cuda:<index>``.

    Raises
    ------
    ValueError
        When the named device is not there, listing those that are.
    """
    found = [*(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    found += ["mps"] if torch.backends.mps.is_available() else []
    found += ["cpu"]
    if name == "auto":
        return torch.device(found[0])
    if name in found or (name == "cuda" and "cuda:0" in found):
        return torch.device(name)
    raise ValueError(f"There is no device {name!r} here; choose auto or one of: {', '.join(found)}.")


def background_threads() -> int:
    """Leave one core to the window and return the number of threads torch uses from now on.

    Two torch threads beside another busy process were seen to run 28 times slower than one.
    """
    threads = max(1, (os.cpu_count() or 2) - 1)
    if torch.get_num_threads() > threads:
        torch.set_num_threads(threads)
    return torch.get_num_threads()


@lru_cache
def bf16_pays(device: torch.device) -> bool:
    """Tell whether bfloat16 is clearly faster than float32 on `device`.

    On the CPU by what the processor is (AMX multiplies tiles of bfloat16), not by a trial: what
    else a machine does must not decide what a model answers, and processes that share a work must decide alike.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type != "cpu":
        return False
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    return capabilities is not None and bool(capabilities().get("amx_bf16", False))  # an older torch does not tell


def seed_step(device: torch.device, seed: int) -> None:
    """Let what is drawn on `device` from now on follow from `seed`, as `torch.manual_seed` does.

    That one also notes for every kind of device that is not there who asked, with all the lines of the program that led
    to it: on a CPU as much work as a step of a small network.
    """
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


def laid_out(network: Network, layout: torch.memory_format = torch.channels_last) -> Network:
    """Bring the weights of a network into a memory layout and return it."""
    # torch's declared overloads of `to` leave this documented one out.
    return network.to(memory_format=layout)  # type: ignore[call-overload, no-any-return]


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return the context in which to run a network.

    Parameters
    ----------
    device : torch.device
        Where the network is.
    precision : str
        ``float32``, ``bfloat16``, or ``auto`` for bfloat16 where `bf16_pays`.
    """
    half = precision == "bfloat16" or (precision == "auto" and bf16_pays(device))
    return torch.autocast(device.type, torch.bfloat16) if half else nullcontext()
