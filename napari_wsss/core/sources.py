"""Who made each pixel of a mask: nobody, a person, another tool's file, or a machine with which model and parameters.

A `Sources` goes with a mask: 0 where nothing was ever drawn, 1 where a person drew, from 2 on the other sources of a
small table that belongs to this image: machines, and files that masks were imported from. Entries are only added, so
that a number keeps its meaning in undo, journal and file; what no longer fits into the table shares the last number.
Whether a mask was accepted is the state of its file, not a source: an accepted pixel of a machine stays marked as the
machine's.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import parsed_object, unzipped

NOTHING, PERSON, FIRST_MACHINE, OTHER_MACHINE = 0, 1, 2, 255
Kind = Literal["proposal", "propagated", "clicked", "borrowed", "clean-up", "label", "script", "imported"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Source:
    """What filled pixels of a mask that no person drew here: a machine step, or a file of another tool.

    Parameters
    ----------
    kind : str
        ``proposal`` (a pseudo mask copied or accepted), ``propagated`` (from scribbles), ``clicked`` (a thing that was
        pointed at), ``borrowed`` (a correction of another image), ``clean-up``, ``label`` (a label was taken away),
        ``script`` (another plugin or a script assigned the mask), or ``imported`` (from a file of another tool; who
        made it there is not known).
    key : str
        Of the result's `Provenance`, "" where it has none.
    method : str
        ``cam``, ``fill holes`` ...; of ``label`` the class name, of ``imported`` the format.
    checkpoint : str
        The model's file relative to the project folder, "" without a model.
    parameters : mapping
        JSON types; of ``imported`` the file or folder (``from``) and the place in it (``entry``).
    from_image : str
        Id of the image it was borrowed from.
    time : float
        Seconds since 1970; two sources that differ in nothing else are one.
    """

    kind: Kind
    key: str = ""
    method: str = ""
    checkpoint: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    from_image: str = ""
    time: float = field(default=0.0, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ProjectError(f"A source is one of {', '.join(KINDS)}; found {self.kind!r}.")
        words = (self.key, self.method, self.checkpoint, self.from_image)
        if not all(isinstance(word, str) for word in words) or not isinstance(self.parameters, Mapping):
            raise ProjectError(f"A source is described by words and parameters; found {words} and {self.parameters!r}.")

    def text(self) -> str:
        """Return a line for a person: ``proposal of classifier-ab12 at threshold 0.40``."""
        if self.kind == "borrowed":
            return f"taken over from {self.from_image}"
        if self.kind == "label":
            return f"label '{self.method}' removed"
        if self.kind == "script":
            return "a script or another plugin"
        if self.kind == "imported":
            return f"imported from {self.parameters.get('from', 'another tool')} ({self.method})"
        parts: list[str] = [self.kind]
        if self.kind == "proposal":
            parts += [f"of {self.model or self.method}"] if self.model or self.method else []
        elif self.method:
            parts += [f"({self.method})"]
        threshold = self.parameters.get("threshold")
        parts += [f"at threshold {threshold:.2f}"] if isinstance(threshold, float | int) else []
        return " ".join(parts)

    @property
    def model(self) -> str:
        """Name of the training run that made the model, "" without one."""
        return PurePosixPath(self.checkpoint).parent.name or self.checkpoint

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, empty entries left out."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Source:
        """Return the source written by `to_dict`."""
        return cls(**record)


@dataclass(frozen=True, eq=False)
class Sources:
    """Source (H, W) uint8 of each pixel and the table of machine sources; never changed in place.

    Parameters
    ----------
    values : (H, W) uint8
        0 nothing, 1 a person, 2 + i entry i of the table, 255 a machine that found no room in the table.
    table : tuple of Source
    """

    values: NDArray[np.uint8]
    table: tuple[Source, ...] = ()

    @classmethod
    def uniform(cls, shape: tuple[int, ...], source: Source | int) -> Sources:
        """Return the sources (H, W) of a mask that is all of one source: a machine's, `PERSON` or `NOTHING`."""
        value = source if isinstance(source, int) else FIRST_MACHINE
        return cls(uniform(shape, np.uint8(value)), () if isinstance(source, int) else (source,))

    @property
    def person(self) -> NDArray[np.bool_]:
        """(H, W) bool, True where a person drew."""
        return np.asarray(self.values == PERSON)

    @property
    def machine(self) -> NDArray[np.bool_]:
        """(H, W) bool, True where a machine step filled the pixel."""
        return np.asarray((self.values >= FIRST_MACHINE) & ~self.imported)

    @property
    def imported(self) -> NDArray[np.bool_]:
        """(H, W) bool, True where the pixel came with a mask of another tool."""
        return np.asarray(np.isin(self.values, self.imported_values))

    @property
    def imported_values(self) -> tuple[int, ...]:
        """Values that stand for files of other tools, ascending."""
        return tuple(place + FIRST_MACHINE for place, one in enumerate(self.table) if one.kind == "imported")

    def source_of(self, value: int) -> Source | None:
        """Return the source of the table behind a value; None for 0, 1 and 255."""
        place = value - FIRST_MACHINE
        return self.table[place] if 0 <= place < len(self.table) else None

    def text_of(self, value: int) -> str:
        """Return who a value stands for, in words."""
        plain = {NOTHING: "nothing drawn", PERSON: "you"}
        source = self.source_of(value)
        return plain.get(value) or (source.text() if source else "another machine source")

    def numbered(self, source: Source) -> tuple[tuple[Source, ...], int]:
        """Return the table with `source` in it, and the source's value."""
        if source in self.table:
            return self.table, self.table.index(source) + FIRST_MACHINE
        if len(self.table) + FIRST_MACHINE >= OTHER_MACHINE:
            return self.table, OTHER_MACHINE
        return (*self.table, source), len(self.table) + FIRST_MACHINE

    def shares(self) -> dict[int, float]:
        """Return the share of pixels in (0, 1] of each value that occurs, the largest first."""
        counts = np.bincount(self.values.ravel(), minlength=256)
        found = [int(value) for value in np.argsort(-counts, kind="stable") if counts[value]]
        return {value: float(counts[value] / self.values.size) for value in found}

    def same_as(self, other: Sources) -> bool:
        """Return True when every pixel has the same source (times left aside)."""
        return self.table == other.table and np.array_equal(self.values, other.values)


def pack_table(table: tuple[Source, ...]) -> list[dict[str, Any]]:
    """Return a table as JSON types."""
    return [source.to_dict() for source in table]


def unpack_table(records: Iterable[Mapping[str, Any]]) -> tuple[Source, ...]:
    """Return the table written by `pack_table`."""
    return tuple(Source.from_dict(record) for record in records)


def encode_sources(sources: Sources) -> bytes:
    """Return sources as compressed bytes: shape and table as JSON, a zero byte, the values in C order."""
    head = {"shape": list(sources.values.shape), "table": pack_table(sources.table)}
    plain = json.dumps(head).encode() + b"\0" + np.ascontiguousarray(sources.values).tobytes()
    return zlib.compress(plain, 3)


def decode_sources(content: bytes, name: str = "mask") -> Sources:
    """Return the sources written by `encode_sources`; `ProjectError` when they are damaged."""
    try:
        head, _, values = unzipped(content).partition(b"\0")
        facts = parsed_object(head)
        shaped = np.frombuffer(values, np.uint8).reshape(facts["shape"])
        return Sources(shaped.copy(), unpack_table(facts["table"]))
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError, ProjectError) as reason:
        raise ProjectError(
            f"Who made the pixels of {name} cannot be read ({reason}); restore the mask from a backup."
        ) from reason


def uniform(shape: tuple[int, ...], value: Any) -> NDArray[Any]:
    """Return an array of a shape that holds one value (a numpy scalar) everywhere; it is not to be written into."""
    return np.broadcast_to(value, shape)


def uniform_value(array: NDArray[Any]) -> Any:
    """Return the value of an array that was made by `uniform`, None for any other: no pixel is looked at."""
    return array.flat[0] if array.size and not any(array.strides) else None
