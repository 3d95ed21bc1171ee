"""Labels of OME-Zarr pictures: ``x.ome.zarr/labels/<name>``, read by `zarr`."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.errors import LabelError, ProjectError, StepError
from napari_wsss.core.files import mapping, text, whole
from napari_wsss.core.inside import below, is_link
from napari_wsss.exchange.annotations.annotated import Annotated, Picture, Reading
from napari_wsss.exchange.annotations.plain_json import objects
from napari_wsss.exchange.lists.class_lists import ValueNames
from napari_wsss.exchange.mask_values import whole_values
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.exchange.readers.pictures import MOST_OBJECTS, flat
from napari_wsss.pixels.decoding.ome_zarr import check_array

_SUFFIXES = (".ome.zarr", ".zarr")
_CLASS_KEYS = ("class", "name", "label", "class-name")
_MOST_PIXELS = 2**30


class OmeZarr(Reader):
    """One or a folder of them; of several labels in a picture the first counts.

    Values mean what the properties of ``image-label`` name (*class*, *name* or *label*); without names those of the
    project.
    """

    title = "OME-Zarr labels"
    gives: ClassVar[str] = "masks"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a folder is, or holds, a Zarr folder with labels."""
        return any(True for _ in _stores(source))

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield picture by picture."""
        for store in _stores(source):
            name = store.relative_to(source).as_posix() if store != source else store.name
            for suffix in _SUFFIXES:
                name = name.removesuffix(suffix)
            try:
                found = sorted(path for path in (store / "labels").iterdir() if path.is_dir())
                if len(found) > 1:
                    reading.notes.append(f"{store.name} has {len(found)} labels; {found[0].name} is taken")
                group = _opened(found[0]) if found else None
            except (OSError, LabelError) as reason:
                reading.unreadable.append(f"{store.name}: {str(reason).removesuffix('.')}")
                continue
            if group is not None:
                names = _names(dict(group.attrs), store.name)
                values = partial(_values, group, found[0], store.name)
                yield Annotated((name,), store.name, picture=Picture(values, names))


def _stores(source: Path) -> Iterator[Path]:
    if not source.is_dir():
        return
    if source.name.endswith(_SUFFIXES):
        yield from [source] if (source / "labels").is_dir() else []
        return
    for folder in sorted(path for path in source.iterdir() if path.is_dir() and not is_link(path)):
        yield from _stores(folder)


def _opened(folder: Path) -> Any:
    """Return an open Zarr group; raise `LabelError` when it is none, `StepError` without the package."""
    try:
        import zarr
    except ModuleNotFoundError as missing:
        raise StepError(
            'Reading OME-Zarr needs the package zarr. Install it with: pip install "napari-wsss[formats]".',
            missing=("zarr",),
        ) from missing
    try:
        return zarr.open_group(str(folder), mode="r")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as reason:
        raise LabelError(f"{folder.name} is no Zarr group ({reason}).") from reason


def _values(group: Any, folder: Path, name: str) -> NDArray[Any]:
    """Return the values (H, W) of the largest level of the group in a folder."""
    try:
        first = _multiscales(dict(group.attrs))
        check_array(below(folder, first))
        array = group[first]
        if int(np.prod(array.shape)) > _MOST_PIXELS:
            raise ProjectError(f"{name} has {array.shape} values; expected those of one picture.")
        values = np.asarray(array[...])
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RuntimeError, MemoryError) as reason:
        raise ProjectError(f"{name} cannot be read ({reason}).") from reason
    return whole_values(flat(values, name), name, MOST_OBJECTS)


def _multiscales(attributes: Mapping[str, Any]) -> str:
    record = mapping(attributes, "ome") or attributes  # below it since version 0.5
    levels = objects(record, "multiscales")
    return text(objects(levels[0], "datasets")[0], "path", "0") if levels else "0"


def _names(attributes: Mapping[str, Any], source: str) -> ValueNames | None:
    record = mapping(mapping(attributes, "ome") or attributes, "image-label")
    names: dict[int, str] = {}
    for one in objects(record, "properties"):
        value, name = whole(one, "label-value", -1), next((text(one, key) for key in _CLASS_KEYS if text(one, key)), "")
        if name and 0 <= value <= IGNORE:
            names[value] = name
    return ValueNames(source, names) if names else None
