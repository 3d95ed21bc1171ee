"""Label Studio JSON, full or ``JSON-MIN``: choices, brushes, polygons, ellipses and rectangles."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from napari_wsss.core.errors import LabelError
from napari_wsss.core.files import mapping, number
from napari_wsss.exchange.annotations.annotated import Annotated, Reading, Shape
from napari_wsss.exchange.annotations.plain_json import json_or_none, objects, read_json, the_file, words
from napari_wsss.exchange.annotations.run_lengths import brush_alpha
from napari_wsss.exchange.annotations.shapes import Drawing, Pixels, Polygons, Size, ring_of
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.pixels.images import is_image_name

_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts in front of the name of an uploaded file."""
_OF_EXPORT = frozenset({"id", "annotation_id", "annotator", "created_at", "updated_at", "lead_time"})
"""What a task of JSON-MIN says of its annotation, beside what was annotated."""
_LABELS = ("brushlabels", "polygonlabels", "rectanglelabels", "ellipselabels", "keypointlabels", "labels")


class LabelStudio(Reader):
    """A list of tasks; the first annotation of a task that was not cancelled counts."""

    title = "Label Studio JSON"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a JSON file, or the only one of a folder, is a list of tasks."""
        return _is_list_of_tasks(the_file(source, ".json", _is_list_of_tasks))

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield every task; one that nobody annotated says nothing, an empty annotation says none of the classes."""
        source = the_file(source, ".json", _is_list_of_tasks)
        record = read_json(source)
        if not isinstance(record, list):
            raise LabelError(f"{source.name} is no list of tasks; expected Label Studio's JSON or JSON-MIN.")
        several, unread = 0, Counter[str]()
        for at, task in enumerate(one for one in record if isinstance(one, dict)):
            place = f"{source.name} task {task.get('id', at)}"
            done = [one for one in objects(task, "annotations") or objects(task, "completions") if _counts(one)]
            several += len(done) > 1
            results = objects(done[0], "result") if done else list(_plain_results(task))
            strange = () if done or results else _strange_words(task)
            unread.update(strange)
            is_done = bool(done) or ("annotation_id" in task and not strange)
            yield _task(task, results if is_done else None, place, reading)
        if several:
            reading.notes.append(f"{several} tasks were annotated several times; the first annotation counts")
        for key, count in unread.items():
            reading.notes.append(
                f"{count} tasks say something under {key!r}, which may be choices or data; those without anything else "
                "count as not labelled yet. Export the full JSON, which tells"
            )


def _strange_words(task: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys of a task of JSON-MIN with words that are no path of a picture: choices of any name, or data."""
    words_by_key = {key: value for key, value in task.items() if isinstance(value, str) and key not in _OF_EXPORT}
    return tuple(key for key, value in words_by_key.items() if value and not is_image_name(_path(value)))


def _is_list_of_tasks(path: Path) -> bool:
    record = json_or_none(path)
    first = record[0] if isinstance(record, list) and record else None
    if not isinstance(first, dict):
        return False
    return isinstance(first.get("data"), dict) or {"annotation_id", "annotator", "lead_time"} & first.keys() != set()


@dataclass(frozen=True)
class Brush:
    """A brush's packed picture, unpacked when the size of the image is known; opaque in part is inside."""

    values: list[Any]

    def inside(self, size: Size) -> Pixels:
        """Return (H, W) bool, True where the brush was."""
        return brush_alpha(self.values, size) > 127


def _counts(annotation: Mapping[str, Any]) -> bool:
    return not annotation.get("was_cancelled")


def _task(task: Mapping[str, Any], results: list[dict[str, Any]] | None, place: str, reading: Reading) -> Annotated:
    choices: set[str] = set()
    shapes: list[Shape] = []
    for result in results or ():
        value = mapping(result, "value")
        choices.update(words(value.get("choices")) if "choices" in value else ())
        labels = [name for key in _LABELS for name in words(value.get(key, []))]
        try:
            drawing = _drawing(value, result) if labels else None
        except ValueError as reason:
            reading.unreadable.append(f"{place}: {reason}")
            continue
        shapes += [Shape(name.strip(), drawing) for name in labels]
    says = choices or (results is not None and not results)
    return Annotated(_names(task), place, frozenset(choices) if says else None, tuple(shapes))


def _drawing(value: Mapping[str, Any], result: Mapping[str, Any]) -> Drawing | None:
    if number(result, "image_rotation") % 360:
        raise ValueError("drawn on a picture that was turned; turn it back before exporting")
    if isinstance(value.get("rle"), list):
        return Brush(value["rle"])
    if "points" in value:
        return Polygons([ring_of(value["points"]) / 100], relative=True)
    return None


def _names(task: Mapping[str, Any]) -> tuple[str, ...]:
    """Return how the image of a task may be called: without what Label Studio put in front of it last."""
    data = mapping(task, "data") or task
    given = [value for key, value in data.items() if isinstance(value, str) and key not in ("annotator", "created_at")]
    paths = [path for value in given if is_image_name(path := _path(value))]
    names = list(dict.fromkeys([*paths[:1], *words(task.get("file_upload", []))]))
    bare = [_UPLOADED.sub("", name.rpartition("/")[2]) for name in names]
    return tuple(dict.fromkeys([*names, *bare])) or ("",)


def _path(value: str) -> str:
    """Return the path in an address: of ``/data/local-files/?d=folder/a.jpg`` what follows ``d=``."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return value
    asked = parse_qs(parts.query).get("d")
    return asked[0] if asked else unquote(parts.path)


def _plain_results(task: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a task of JSON-MIN holds as the results of the full format."""
    for key, value in task.items():
        if isinstance(value, list):
            yield from ({"value": one} for one in value if isinstance(one, dict))
        elif isinstance(value, dict) and "choices" in value:
            yield {"value": value}
        elif key in ("choice", "choices", "label") and isinstance(value, str):
            yield {"value": {"choices": value}}
