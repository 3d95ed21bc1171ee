"""What is freed stays with the process; counted in pages that the system had to hand out."""

from __future__ import annotations

import subprocess
import sys

import pytest

from training.allocator import keep_freed_memory

COUNT = """
import resource
import torch
from training.allocator import keep_freed_memory
if {keeps}:
    assert keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(2**24)
before = faults()
for _ in range(100):
    torch.ones(2**24)
print(faults() - before)
"""


def faults(keeps: bool) -> int:
    """Return how many pages are handed out for 100 arrays of 64 MiB, one after the other, in a process of its own."""
    child = subprocess.run(
        [sys.executable, "-c", COUNT.format(keeps=keeps)], capture_output=True, text=True, check=True, timeout=120
    )
    return int(child.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
def test_pages_are_handed_out_once() -> None:
    assert faults(keeps=True) < 0.2 * faults(keeps=False)


def test_elsewhere_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert not keep_freed_memory()
