"""JSON of other tools, read without trust: what is missing or of another type reads as nothing."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import LabelError
from napari_wsss.core.files import parsed, read_regular

MOST_JSON = 2**30
DATA_CARD = "data-card.json"
"""What our own exports put beside their files; no annotations."""
_LOOKED_AT = 20


def read_json(path: Path) -> Any:
    """Return what a JSON file holds (kept until the next one is read: several readers look at it).

    Raises
    ------
    LabelError
        When it cannot be read, or is no JSON.
    """
    try:
        facts = path.stat()
        return _read(path, facts.st_mtime_ns, facts.st_size)
    except (OSError, ValueError, MemoryError) as reason:
        raise LabelError(f"{path.name} cannot be read as JSON ({reason}).") from reason


@lru_cache(maxsize=1)
def _read(path: Path, changed: int, size: int) -> Any:
    return parsed(read_regular(path, MOST_JSON).removeprefix(b"\xef\xbb\xbf"))


def json_or_none(path: Path) -> Any:
    """Return what a JSON file holds, None for anything that is none."""
    try:
        return read_json(path) if path.suffix.lower() == ".json" else None
    except LabelError:
        return None


def objects(record: Any, name: str) -> list[dict[str, Any]]:
    """Return the objects in a list of a record; none where it is missing or something else."""
    value = record.get(name) if isinstance(record, Mapping) else None
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def has_lists(record: Any, *names: str) -> bool:
    """Tell whether something is a record with lists of these names."""
    return isinstance(record, Mapping) and all(isinstance(record.get(name), list) for name in names)


def words(value: Any) -> list[str]:
    """Return a text, or the texts in a list, as a list."""
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, str) and one.strip()]


def the_file(source: Path, suffix: str, is_it: Callable[[Path], bool]) -> Path:
    """Return a file itself; of a data set's folder the first file in it, or its ``annotations``, that is the one."""
    return next(the_files(source, suffix, is_it), source)


def the_files(source: Path, suffix: str, is_it: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield a file itself; of a data set's folder those in it, or its ``annotations``, that are such files."""
    if not source.is_dir():
        yield source
        return
    places = (source, source / "annotations")
    found = (path for folder in places for path in sorted(folder.glob(f"*{suffix}")) if path.is_file())
    yield from (path for path in islice(found, _LOOKED_AT) if path.name != DATA_CARD and is_it(path))


def json_files(source: Path) -> Iterator[Path]:
    """Yield a file itself, or the JSON files below a folder, hidden ones left out."""
    if not source.is_dir():
        yield source
        return
    for path in sorted(source.rglob("*.json")):
        hidden = any(part.startswith(".") for part in path.relative_to(source).parts)
        if not hidden and path.is_file() and path.name != DATA_CARD:
            yield path
