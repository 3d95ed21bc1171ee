"""``cls_labels.npy`` of the PSA, IRN and SEAM family: a dictionary of 0/1 vectors, one number per class."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.annotations.annotated import Annotated, Reading
from napari_wsss.exchange.annotations.plain_arrays import read_records
from napari_wsss.exchange.readers.base import Reader


class ClassArrays(Reader):
    """Images by name, or by the number that IRN makes of ``2007_000032``; only zeros say none of the classes."""

    title = "cls_labels.npy"
    gives: ClassVar[str] = "labels"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a NumPy file is a dictionary of vectors of one length."""
        if source.suffix.lower() != ".npy" or not source.is_file() or source.stem.endswith("_seg"):
            return False
        try:
            return len(_lengths(read_records(source))) == 1
        except LabelError:
            return False

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield image by image; the classes are those of the list beside, in its order, or numbers."""
        records = read_records(source)
        lengths = _lengths(records)
        if len(lengths) != 1:
            raise LabelError(f"{source.name} holds no vectors of one length; expected one number per class.")
        count = lengths.pop()
        names = reading.known
        if len(names) != count:
            beside = f"names {len(names)}" if names else "names none"
            reading.notes.append(
                f"{source.name} has {count} classes, the list beside it {beside}: they are called 'class 1' and so "
                "on; put a classes.txt with their names in order beside it"
            )
            names = tuple(f"class {k + 1}" for k in range(count))
        reading.declare(list(names))
        for key, value in records.items():
            place = f"{source.name} {key!r}"
            if _is_vector(value):
                yield Annotated(_names(key), place, frozenset(names[k] for k in np.flatnonzero(value > 0.5)))
            else:
                reading.unreadable.append(f"{place}: no vector of numbers")


def _is_vector(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "biuf"


def _lengths(records: dict[Any, Any]) -> set[int]:
    return {len(value) for value in records.values() if _is_vector(value)}


def _names(key: Any) -> tuple[str, ...]:
    name = str(key)
    if isinstance(key, int | np.integer) and len(name) > 4:
        return f"{name[:4]}_{name[4:]}", name
    return (name,)
