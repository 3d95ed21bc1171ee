"""Weakly supervised segmentation in napari: image-level labels become pseudo masks that a person corrects.

The sub-packages say in their own docstrings what they hold and may import. The names below are the Python API; nothing
is loaded before one of them is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_wsss.api import (
        accept,
        create_project,
        export,
        import_from,
        load_model,
        maps,
        open_project,
        proposals,
        train,
    )

__all__ = [
    "accept",
    "create_project",
    "export",
    "import_from",
    "load_model",
    "maps",
    "open_project",
    "proposals",
    "train",
]


def __getattr__(name: str) -> Any:
    """Return a name of the API (PEP 562)."""
    if name in __all__:
        return getattr(import_module("napari_wsss.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the names of the API."""
    return sorted({*globals(), *__all__} - {"Any", "TYPE_CHECKING", "import_module"})
