"""The one list of formats that are read, and which of them a file or folder is of; listing them imports none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_wsss.core.errors import LabelError, StepError
from napari_wsss.core.registry import Shelf, declared, load_method, method_names

if TYPE_CHECKING:
    from napari_wsss.exchange.readers.base import Reader

READERS: Shelf = "exchange.readers"
USUALLY = "labels and masks"
"""What a reader gives that declares nothing, as its contract says."""
OWN_KINDS = ("csv", "folders", "voc", "text")
"""Ways to give labels that are no format of another tool."""


def reader_names() -> tuple[str, ...]:
    """Return the names of all readers, those of other distributions last; imports none of them."""
    return method_names(READERS)


def label_kinds() -> tuple[str, ...]:
    """Return the names of the readers that give labels; imports none of them."""
    return _kinds("labels")


def _kinds(gives: str) -> tuple[str, ...]:
    """Return the readers that give something by what their files declare; those of others may give anything."""
    declarations = {name: declared(READERS, name, "gives") or USUALLY for name in reader_names()}
    return tuple(name for name, declaration in declarations.items() if gives in declaration)


KINDS = ("auto", *OWN_KINDS, *label_kinds(), "none")
"""How labels may be given."""
MASK_KINDS, MAP_KINDS = ("auto", *_kinds("masks")), ("auto", *_kinds("maps"))
"""How masks and maps may be given."""


def reader_of(name: str) -> Reader:
    """Return a reader by name; raise `StepError` when there is none, or what it needs is not installed."""
    made: Reader = load_method(READERS, name)()
    return made


def readers(gives: str) -> Iterator[tuple[str, Reader]]:
    """Yield the readers that give ``labels`` or ``masks``, in the order in which they are asked."""
    found = []
    for name in reader_names():
        try:
            found.append((name, reader_of(name)))
        except StepError:  # of another distribution, and not whole
            continue
    found.sort(key=lambda one: one[1].fallback)
    yield from (one for one in found if gives in one[1].gives)


def recognised(source: Path, gives: str, known: Sequence[str] = ()) -> str:
    """Return the name of the first reader that a source looks like, "" for none."""
    return next((name for name, reader in readers(gives) if reader.recognises(source, known)), "")


def named_or_recognised(source: Path, gives: str, kind: str = "auto", known: Sequence[str] = ()) -> str:
    """Return the reader of a source: the one that was asked for, or the one that it looks like.

    Raises
    ------
    LabelError
        When the one asked for is none or does not give this, when the source is missing, or like none of them.
    """
    fitting = [name for name, _ in readers(gives)]
    if kind != "auto" and kind not in fitting:
        raise LabelError(f"No {gives} are read as {kind!r}; choose one of auto, {', '.join(fitting)}.")
    if not source.exists():
        raise LabelError(f"There is no {source}; choose a file or folder that exists.")
    found = recognised(source, gives, known) if kind == "auto" else kind
    if not found:
        raise LabelError(f"{source} is of no format that {gives} are read from; the known ones: {', '.join(fitting)}.")
    return found
