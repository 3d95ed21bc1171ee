"""One declaration per parameter: dataclass fields whose metadata feeds forms, command lines, files and checks.

A method declares ``@dataclass(frozen=True) class Parameters`` with `parameter` fields. The metadata names
(``title``, ``description``, ``minimum``, ``maximum``, ``multiple_of``, ``choices``) are the ones magicgui reads,
so a form needs no import of a GUI library in the declaring file.
"""

import argparse
import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from napari_wsss.core.errors import ParameterError

ADVANCED = "Advanced"
"""How the headings in a command's help begin below which stands what a first use can do without."""
P = TypeVar("P")
V = TypeVar("V")


@dataclass(frozen=True)
class NoParameters:
    """Parameters of a method that has none."""


def parameter(
    default: Any,
    title: str,
    description: str = "",
    *,
    bounds: tuple[float | None, float | None] = (None, None),
    choices: tuple[Any, ...] = (),
    others: str = "",
    advanced: bool = False,
    decimals: int = 0,
    auto: int | None = None,
) -> Any:
    """Declare a parameter field.

    Parameters
    ----------
    default : object
        bool, int, float, str, or a tuple or a mapping (str to one of these). Its type is the parameter's type.
    title : str
        Short label in plain words; the papers' word or symbol stands behind it in parentheses, which forms show in the
        tooltip: ``"Background power (alpha)"``.
    description : str
        One sentence: what it does, its unit, what larger means.
    bounds : (minimum, maximum)
        Inclusive; None leaves a side open.
    choices : tuple
        The allowed values, when they can be listed.
    others : str
        What is allowed beside the choices, in words; their use is left to who reads them.
    advanced : bool
        True hides the field under *Advanced*.
    decimals : int
        Places behind the point that a form must be able to show, where its own choice would be too few.
    auto : int, optional
        The number that ``auto`` stands for where it is typed.
    """
    metadata: dict[str, Any] = {"title": title, "description": description, "advanced": advanced}
    if bounds[0] is not None:
        metadata["minimum"] = bounds[0]
    if bounds[1] is not None:
        metadata["maximum"] = bounds[1]
    if decimals:
        metadata["decimals"] = decimals
    if choices:
        metadata["choices"] = tuple(choices)
    if others:
        metadata["others"] = others
    if auto is not None:
        metadata["auto"] = auto
    if isinstance(default, Mapping):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def caption(metadata: Mapping[str, Any], name: str = "") -> tuple[str, str]:
    """Return a parameter's label in plain words and what explains it, the papers' word or symbol first.

    Parameters
    ----------
    metadata : mapping
        Of a field declared by `parameter`.
    name : str
        Stands in for a title that is missing.
    """
    title, description = str(metadata.get("title", name)), str(metadata.get("description", ""))
    plain, _, symbol = title.partition(" (")
    return (
        (plain, f"In the papers: {symbol[:-1]}. {description}".strip())
        if symbol.endswith(")")
        else (title, description)
    )


def fields_of(cls: type) -> dict[str, dataclasses.Field[Any]]:
    """Return the parameter fields of a `Parameters` class by name, in order of declaration."""
    return {field.name: field for field in dataclasses.fields(cls)}


def type_of(cls: type, name: str) -> Any:
    """Return the annotated type of parameter `name` (resolved, also under postponed annotations)."""
    return get_type_hints(cls)[name]


def check(parameters: P) -> P:
    """Return `parameters` when every value has its type and lies in its bounds.

    Raises
    ------
    ParameterError
        Naming the field, the value found and the values expected.
    """
    for name, field in fields_of(type(parameters)).items():
        value = getattr(parameters, name)
        for single in _singles(value):
            _check_value(name, single, field.metadata)
    return parameters


def _singles(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, tuple) else (value,)


def _check_value(name: str, value: Any, metadata: Mapping[str, Any]) -> None:
    title = metadata.get("title", name)
    if "choices" in metadata and "others" not in metadata and value not in metadata["choices"]:
        listed = ", ".join(map(str, metadata["choices"]))
        raise ParameterError(f"{title} ({name}) is {value!r}; choose one of: {listed}.", name=name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    low, high = metadata.get("minimum"), metadata.get("maximum")
    if value != value or (low is not None and value < low) or (high is not None and value > high):
        expected = f"{'-inf' if low is None else low} to {'inf' if high is None else high}"
        raise ParameterError(f"{title} ({name}) is {value!r}; expected a number from {expected}.", name=name)


def to_dict(parameters: Any) -> dict[str, Any]:
    """Return the parameters as plain JSON types (tuples become lists)."""
    plain = dataclasses.asdict(parameters)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}


def from_dict(cls: type[P], values: Mapping[str, Any]) -> P:
    """Return a checked `cls` from plain JSON types; missing names get their defaults.

    Raises
    ------
    ParameterError
        For a name `cls` does not have, or a value of the wrong type or out of bounds.
    """
    known = fields_of(cls)
    unknown = sorted(set(values) - set(known))
    if unknown:
        listed = ", ".join(known) or "none"
        raise ParameterError(f"Unknown parameter {', '.join(unknown)}; the known ones are: {listed}.", name=unknown[0])
    hints = get_type_hints(cls)
    given = {name: _convert(name, value, hints[name]) for name, value in values.items()}
    return check(cls(**given))


def _convert(name: str, value: Any, kind: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = [arg for arg in get_args(kind) if arg is not type(None)]
        return None if value is None else _convert(name, value, inner[0])
    if origin is dict and isinstance(value, Mapping | list | tuple):
        return {str(key): _convert(name, item, get_args(kind)[1]) for key, item in dict(value).items()}
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_convert(name, item, get_args(kind)[0]) for item in value)
    if origin is typing.Literal and value in get_args(kind):
        return value
    if origin in (tuple, dict, typing.Literal):
        lists = {tuple: "a list of values", dict: "values by name"}
        expected = lists.get(origin) or f"one of {', '.join(map(str, get_args(kind)))}"
        raise ParameterError(f"{name} is {value!r}; expected {expected}.", name=name)
    wrong = (
        (kind is bool and not isinstance(value, bool))
        or (kind in (int, float) and (isinstance(value, bool) or not isinstance(value, int | float)))
        or (kind is int and isinstance(value, float) and not value.is_integer())
        or (kind is str and not isinstance(value, str))
    )
    if wrong:
        raise ParameterError(f"{name} is {value!r}; expected {getattr(kind, '__name__', kind)}.", name=name)
    return kind(value)


def add_options(parser: argparse.ArgumentParser, *classes: type, prefix: str = "") -> None:
    """Add one command-line option per parameter (``--background-power``); absent options stay absent.

    Absent options are suppressed, so that a configuration file is only overridden by what was typed. In the help the
    advanced parameters of all `classes` stand behind the others, under headings of their own.
    """
    for is_advanced in (False, True):
        for cls in classes:
            wanted = {name: one for name, one in fields_of(cls).items() if one.metadata["advanced"] is is_advanced}
            if wanted:
                title = (cls.__doc__ or cls.__qualname__).strip().splitlines()[0].rstrip(".")
                group = parser.add_argument_group(f"{ADVANCED}: {title}" if is_advanced else title)
                _add_to(group, get_type_hints(cls), wanted, prefix)


def _add_to(
    group: argparse._ArgumentGroup, hints: Mapping[str, Any], fields: Mapping[str, dataclasses.Field[Any]], prefix: str
) -> None:
    for name, field in fields.items():
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        text = f"{field.metadata.get('title', name)}. {field.metadata.get('description', '')} [{default}]"
        kwargs: dict[str, Any] = {"dest": prefix + name, "default": argparse.SUPPRESS, "help": text.replace("%", "%%")}
        if hints[name] is bool:
            kwargs["action"] = argparse.BooleanOptionalAction
        elif get_origin(hints[name]) is tuple:
            kwargs |= {"type": get_args(hints[name])[0], "nargs": "+"}
        elif get_origin(hints[name]) is dict:
            kwargs |= {"type": named(get_args(hints[name])[1]), "nargs": "+", "metavar": "NAME=VALUE"}
        else:
            kwargs |= {"type": _option_type(hints[name], field.metadata.get("auto"))}
            if field.metadata.get("others"):
                kwargs["metavar"] = f"{{{','.join(map(str, field.metadata['choices']))}}} or {field.metadata['others']}"
            elif field.metadata.get("choices"):
                kwargs["choices"] = field.metadata["choices"]
        group.add_argument("--" + (prefix + name).replace("_", "-"), **kwargs)


def advanced_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Return the group of a parser, the same every time, for options that a first use can do without."""
    there = (group for group in parser._action_groups if group.title == ADVANCED)
    return next(there, None) or parser.add_argument_group(ADVANCED)


def named(kind: Callable[[str], V]) -> Callable[[str], tuple[str, V]]:
    """Return the reader of ``name=value`` texts whose values are of type `kind`; they raise ValueError."""

    def read(text: str) -> tuple[str, V]:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals):
            raise ValueError(f"{text!r} is not written as name=value")
        return name, kind(value)

    read.__name__ = "name=value"  # what messages call it
    return read


def _option_type(kind: Any, auto: int | None = None) -> Any:
    if auto is not None:
        return _number_or_auto(auto)
    if get_origin(kind) is typing.Literal:
        return type(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return next(arg for arg in get_args(kind) if arg is not type(None))
    return kind


def _number_or_auto(auto: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        return auto if text == "auto" else int(text)

    return number


def typed_options(cls: type, options: argparse.Namespace, *, prefix: str = "") -> dict[str, Any]:
    """Return the parameters of `cls` that were typed, of options made by `add_options`; unchecked, by name."""
    return {name: getattr(options, prefix + name) for name in fields_of(cls) if hasattr(options, prefix + name)}
