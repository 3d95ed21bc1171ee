"""Which device computes, how many threads it may use, and whether bfloat16 pays there."""

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)

# A gain smaller than this is within the noise of a busy machine and not worth the rounding.
_WORTHWHILE = 0.8
_TRIALS = 12


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
    """Tell whether bfloat16 is clearly faster than float32 on `device` (timed once per process on the CPU)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type != "cpu":
        return False
    block = _probe()
    images = torch.zeros(1, 32, 96, 96).to(memory_format=torch.channels_last)
    plain, half = [], []
    with torch.inference_mode():
        for _ in range(_TRIALS):  # in turns: on a busy machine both are disturbed, and processes decide alike
            plain.append(_time(lambda: block(images)))
            with torch.autocast("cpu", torch.bfloat16):
                half.append(_time(lambda: block(images)))
    return min(half[1:]) < _WORTHWHILE * min(plain[1:])


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


def _probe() -> nn.Module:
    # Dense, depthwise and 1x1 convolutions in about the proportions of the trunks.
    layers = [
        nn.Conv2d(32, 192, 1, bias=False),
        nn.BatchNorm2d(192),
        nn.ReLU6(inplace=True),
        nn.Conv2d(192, 192, 3, padding=1, groups=192, bias=False),
        nn.BatchNorm2d(192),
        nn.ReLU6(inplace=True),
        nn.Conv2d(192, 64, 1, bias=False),
        nn.Conv2d(64, 64, 3, padding=1, bias=False),
    ]
    return laid_out(nn.Sequential(*layers).eval())


def _time(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
