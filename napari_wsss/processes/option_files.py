"""Options in a file instead of on the command line: JSON or YAML, by the names that are typed; what is typed counts."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.files import MOST_RECORD_BYTES, parsed_object, read_regular

FLAG = "--config"
_YAML = (".yaml", ".yml")


def config_option(parser: argparse.ArgumentParser) -> None:
    """Let options be given in a file."""
    words = "JSON or YAML file of options by name (hold_out: 0.1); what is typed counts before it"
    parser.add_argument(FLAG, type=Path, metavar="FILE", help=words)


def read_mapping(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON or YAML file.

    Raises
    ------
    ParameterError
        When it cannot be read, or holds something else; also where YAML is not installed.
    """
    try:
        content = read_regular(path, MOST_RECORD_BYTES)
        return _from_yaml(content, path) if path.suffix.lower() in _YAML else parsed_object(content)
    except (OSError, ValueError) as reason:
        expected = "expected a JSON or YAML file of options by name"
        raise ParameterError(f"The configuration {path} cannot be read ({reason}); {expected}.") from reason


def _from_yaml(content: bytes, path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ModuleNotFoundError as missing:
        how = 'write it as JSON, or: pip install "napari-wsss[shell]"'
        raise ParameterError(f"Reading {path} needs the package PyYAML, which is not installed; {how}.") from missing
    try:
        found = yaml.safe_load(content)
    except (yaml.YAMLError, RecursionError) as reason:
        raise ValueError(str(reason)) from reason
    if not isinstance(found, dict):
        raise ValueError(f"it holds a {type(found).__name__}")
    return {str(name): value for name, value in found.items()}


def file_in(typed: Sequence[str]) -> Path | None:
    """Return the file that was typed after ``--config``, None without one."""
    only = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    only.add_argument(FLAG, type=Path)
    found: Path | None = only.parse_known_args([word for word in typed if word != "--"])[0].config
    return found


def with_file(parser: argparse.ArgumentParser, typed: Sequence[str]) -> list[str]:
    """Return what was typed, and behind it what the file of ``--config`` says and nobody typed, as words to parse.

    Parameters
    ----------
    parser : ArgumentParser
        Of the command; its options and arguments may be named in the file, with - or _.
    typed : sequence of str
        The words after the command's name.

    Raises
    ------
    ParameterError
        When the file cannot be read, names an option that there is not, or a value that cannot be one.
    """
    path = file_in(typed)
    if path is None:
        return list(typed)
    said = _typed(parser, typed)
    known = {name: action for action in parser._actions for name in _names(action)}
    options: list[str] = []
    arguments: list[str] = []
    for name, value in read_mapping(path).items():
        action = known.get(name.replace("_", "-"))
        if action is None or action.dest in ("help", "config"):
            names = ", ".join(sorted(one for one in known if one not in ("help", "config")))
            raise ParameterError(f"{path} names {name!r}, which is no option here; the known ones: {names}.", name=name)
        if action.dest not in said and value is not None:
            (options if action.option_strings else arguments).extend(_words(action, name, value))
    return [*typed, *options, *(["--"] if arguments else []), *arguments]


def _names(action: argparse.Action) -> Iterator[str]:
    """Yield how an option or argument is called in a file."""
    long = [flag[2:] for flag in action.option_strings if flag.startswith("--")]
    positive = [name for name in long if not (isinstance(action, argparse.BooleanOptionalAction) and name != long[0])]
    yield from positive if action.option_strings else [action.dest.replace("_", "-")]


def _words(action: argparse.Action, name: str, value: Any) -> list[str]:
    """Return the words that give an option a value of a file."""
    flag = next((one for one in action.option_strings if one.startswith("--")), "")
    if action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction):
        if not isinstance(value, bool):
            raise ParameterError(f"{name} is {value!r}; expected true or false.", name=name)
        if value:
            return [flag]
        return [f"--no-{flag[2:]}"] if isinstance(action, argparse.BooleanOptionalAction) else []
    takes_several = action.nargs is not None and action.nargs != "?"
    if isinstance(value, Mapping) and takes_several:
        value = [f"{key}={one}" for key, one in value.items()]
    several = value if isinstance(value, list) else [value]
    if isinstance(value, bool) or any(isinstance(one, dict | list) for one in several):
        raise ParameterError(f"{name} is {value!r}; expected {'values' if takes_several else 'a value'}.", name=name)
    if isinstance(value, list) and not takes_several:
        raise ParameterError(f"{name} is a list; expected one value.", name=name)
    if not takes_several:
        return [f"{flag}={value}"] if flag else [str(value)]
    return [*([flag] if flag else []), *map(str, several)]


def _typed(parser: argparse.ArgumentParser, words: Sequence[str]) -> set[str]:
    """Return the names of the options and arguments that were typed; nothing is required meanwhile."""
    with _relaxed(parser):
        found = parser.parse_known_args(list(words))[0]
    return {action.dest for action in parser._actions if hasattr(found, action.dest)}


@contextmanager
def _relaxed(parser: argparse.ArgumentParser) -> Iterator[None]:
    """Let a parser ask for nothing, have no defaults and take any value."""
    changed = [parser, *parser._actions, *parser._mutually_exclusive_groups]
    before = [dict(vars(one)) for one in changed]
    try:
        parser._defaults = {}
        for group in parser._mutually_exclusive_groups:
            group.required = False
        for action in parser._actions:
            action.required, action.default, action.type, action.choices = False, argparse.SUPPRESS, None, None
            if not action.option_strings:
                action.nargs = "?" if action.nargs is None else "*" if action.nargs == "+" else action.nargs
        yield
    finally:
        for one, attributes in zip(changed, before, strict=True):
            vars(one).update(attributes)
