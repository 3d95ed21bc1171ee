"""Memory that a stage's process frees stays its own: what networks need next is as large as what they just freed.

By default glibc gives large arrays back to the system at once and takes them anew, so that every page of every feature
map is filled with zeros again: a quarter of the processor's time of multi-scale maps on a CPU (docs/benchmarks.md).
"""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of <malloc.h>
_FROM = 2**30
"""Bytes from which an array is given back at once all the same."""
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, up to arrays of a gibibyte; return whether the C library does so.

    For processes that compute and end, not for a window: its memory would stay as large as it ever was.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has no such setting
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _FROM) and mallopt(_TRIM_THRESHOLD, _NEVER))
