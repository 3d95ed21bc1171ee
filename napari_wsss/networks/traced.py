"""Whether a network is being written down as a graph, which then holds for images of any size."""

import torch


def is_tracing() -> bool:
    """Return True while a graph is traced for an exported file: what depends on an image's size is then not counted."""
    return bool(torch._C._is_tracing())
