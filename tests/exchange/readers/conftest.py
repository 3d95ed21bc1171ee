"""What a reader says of a source, in short."""

from collections.abc import Callable
from pathlib import Path

import pytest

from napari_wsss.exchange.annotations.annotated import Annotated, Reading
from napari_wsss.exchange.reading import reader_of

Said = tuple[list[Annotated], Reading]


@pytest.fixture
def read() -> Callable[..., Said]:
    """Return a function (reader's name, source, known classes) that reads a source which the reader must recognise."""

    def reads(name: str, source: Path, known: tuple[str, ...] = ()) -> Said:
        reader, reading = reader_of(name), Reading(known)
        assert reader.recognises(source, known)
        return list(reader.read(source, reading)), reading

    return reads
