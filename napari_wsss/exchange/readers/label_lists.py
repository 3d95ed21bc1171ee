"""A JSON object of images and their labels: ``{"a.jpg": ["cat", "dog"], "b.jpg": []}``."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.annotations.annotated import Annotated, Reading
from napari_wsss.exchange.annotations.plain_json import json_or_none, read_json, words
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.pixels.images import is_image_name


class LabelLists(Reader):
    """Names in a list, or one name; an empty list says none of the classes, null says nothing."""

    title = "JSON of images and labels"
    gives: ClassVar[str] = "labels"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a JSON file is an object whose values are texts or lists of texts, some keys being pictures."""
        record = json_or_none(source)
        if not isinstance(record, Mapping) or not record:
            return False
        return any(map(is_image_name, record)) and all(_is_said(value) for value in record.values())

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield image by image, in the order of the file."""
        record = read_json(source)
        if not isinstance(record, Mapping):
            raise LabelError(f"{source.name} is no JSON object; expected {{'a.jpg': ['cat']}}.")
        for name, value in record.items():
            place = f"{source.name} {name!r}"
            if not _is_said(value):
                reading.unreadable.append(f"{place}: {type(value).__name__} in place of a list of names")
                continue
            said = None if value is None else frozenset(word.strip() for word in words(value))
            yield Annotated((name,), place, said)


def _is_said(value: Any) -> bool:
    return value is None or isinstance(value, str) or (isinstance(value, list) and len(words(value)) == len(value))
