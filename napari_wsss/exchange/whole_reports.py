"""Reports told whole: every entry of every kind, as lines to read or as JSON for a program."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from napari_wsss.core.inside import writable


class WholeReport:
    """What every report (a frozen dataclass) can do besides its summary."""

    def whole(self) -> str:
        """Return every entry, one a line, under the name of its kind and how many there are."""
        return "\n".join(_lines(self))

    def entries(self) -> dict[str, list[str]]:
        """Return the entries of every kind that there are several of, as lines."""
        found: dict[str, list[str]] = {}
        for one in _parts(self):
            value = _plain(getattr(self, one.name))
            if isinstance(value, dict):
                found[one.name.replace("_", " ")] = [f"{name}: {_text(entry)}" for name, entry in value.items()]
            elif isinstance(value, list):
                found[one.name.replace("_", " ")] = [_text(entry) for entry in value]
        return found

    def as_json(self) -> str:
        """Return the report as one JSON object."""
        return json.dumps({one.name: _plain(getattr(self, one.name)) for one in _parts(self)}, indent=1)


def _parts(report: Any) -> Any:
    return [one for one in fields(report) if not one.name.startswith("_")]


def _lines(report: Any) -> Iterator[str]:
    for one in _parts(report):
        value = _plain(getattr(report, one.name))
        title = one.name.replace("_", " ")
        if isinstance(value, dict | list):
            yield f"{title} ({len(value)}):"
            entries = value.items() if isinstance(value, dict) else ((_text(entry), None) for entry in value)
            yield from (f"  {name}" if entry is None else f"  {name}: {_text(entry)}" for name, entry in entries)
        else:
            yield f"{title}: {_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(entry)}" for name, entry in value.items())
    return ", ".join(map(_text, value)) if isinstance(value, list) else str(value)


def _plain(value: Any) -> Any:
    """Return plain JSON types; sets are sorted, names are spelled so that they can be written anywhere."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain({one.name: getattr(value, one.name) for one in fields(value)})
    if isinstance(value, Mapping):
        return {writable(str(name)): _plain(entry) for name, entry in value.items()}
    if isinstance(value, set | frozenset):
        return [_plain(entry) for entry in sorted(value)]
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, str | Path):
        return writable(str(value))
    return value
