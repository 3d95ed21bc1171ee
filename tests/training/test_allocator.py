"""What is freed stays with the process; counted in pages that the system had to hand out."""

from __future__ import annotations

import subprocess
import sys

import pytest

from training.allocator import keep_freed_memory

COUNT = """
import os, resource
import torch
from training.allocator import keep_freed_memory
def faults():
    for _ in range(20):  # the heap is as large as it will be only after some
        torch.ones(2**24)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
if other := os.fork():  # a setting is for good: one process for each
    os.waitpid(other, 0)
    assert keep_freed_memory()
print(faults(), flush=True)
os._exit(0)
"""
"""Pages handed out for 10 arrays of 64 MiB, one after the other, without and with the setting."""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
def test_pages_are_handed_out_once() -> None:
    child = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True, timeout=120)
    freed, kept = map(int, child.stdout.split())
    assert kept < 0.2 * freed


def test_elsewhere_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert not keep_freed_memory()
