"""Activation maps in NumPy files: IRN's ``{keys, cam, high_res}``, SEAM's ``{class: map}``, ours, or plain arrays."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.exchange.annotations.annotated import RawMaps
from napari_wsss.exchange.annotations.plain_arrays import read_array_or_records
from napari_wsss.exchange.readers.base import MapFiles
from napari_wsss.project.results.array_files import DAMAGE, read_arrays

_STACKS = ("high_res", "scores", "cam", "maps")
_CLASSES = ("names", "classes", "keys")


class MapArrays(MapFiles):
    """A file per image; class numbers are those of a ``classes.txt`` beside them, else of the project."""

    title = "Maps in NumPy files"
    gives: ClassVar[str] = "maps"
    suffixes = (".npy", ".npz")

    def files_in(self, folder: Path) -> Iterable[Path]:
        """Return the files below a folder that may hold maps."""
        return sorted(folder.rglob("*.np[yz]"))

    def maps_in(self, path: Path) -> RawMaps:
        """Return the maps of one file (see the function of this name)."""
        return maps_in(path)


def maps_in(path: Path) -> RawMaps:
    """Return the maps of one file; raise `ProjectError` when it holds none."""
    try:
        found = read_arrays(path) if path.suffix.lower() == ".npz" else read_array_or_records(path)
    except LabelError as reason:
        raise ProjectError(str(reason)) from reason
    except DAMAGE as reason:
        raise ProjectError(f"{path.name} cannot be read ({reason}).") from reason
    if not isinstance(found, Mapping):
        return RawMaps(_stack(found, path.name))
    if found and all(isinstance(key, int | np.integer) for key in found):
        return _by_class(found, path.name)
    stack = next((found[name] for name in _STACKS if isinstance(found.get(name), np.ndarray)), None)
    named = next((found[name] for name in _CLASSES if isinstance(found.get(name), np.ndarray)), None)
    if stack is None:
        held, expected = ", ".join(map(str, list(found)[:5])), "keys and high_res, or a map for each class number"
        raise ProjectError(f"{path.name} holds {held or 'nothing'}; expected {expected}.")
    classes = None if named is None else _classes(named)
    background = found.get("background")
    return RawMaps(_stack(stack, path.name), classes, background if isinstance(background, np.ndarray) else None)


def _classes(named: NDArray[Any]) -> tuple[int | str, ...]:
    """Return class names, or whole numbers."""
    if named.dtype.kind not in "USiuf":
        raise ProjectError(f"Classes of maps are names or numbers; found {named.dtype}.")
    return tuple(str(one) if named.dtype.kind in "US" else int(one) for one in named.ravel())


def _by_class(found: Mapping[Any, Any], name: str) -> RawMaps:
    maps = {int(key): np.squeeze(value) for key, value in found.items() if isinstance(value, np.ndarray)}
    if len({value.shape for value in maps.values()}) != 1:
        raise ProjectError(f"{name} holds maps of several sizes, or none; expected one (H, W) array for each class.")
    return RawMaps(_stack(np.stack(list(maps.values())), name), tuple(maps))


def _stack(values: NDArray[Any], name: str) -> NDArray[Any]:
    found = values[None] if values.ndim == 2 else values
    if found.ndim != 3 or found.dtype.kind not in "biuf":
        raise ProjectError(f"{name} holds an array of {values.dtype} and shape {values.shape}; expected (K, H, W).")
    return found
