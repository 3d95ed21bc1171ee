"""What a command of `napari-wsss` is: a name, a line of help, options, and a verb that says what it did.

A file of this folder imports next to nothing where it declares its commands, and what it needs where a verb runs: help,
completion and a misspelt option wait for nothing. A new command is such a file and a line in `table.py`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from napari_wsss.core.errors import WsssError
from napari_wsss.core.registry import Shelf, method_names
from napari_wsss.processes.children import python, run_here
from napari_wsss.processes.stage_parser import stage_parser, wants_help

DONE, FOUND, WRONG_OPTIONS, CORRECTABLE = 0, 1, 2, 4
"""Exit codes: done; `check` found something; wrong options; something a person can correct, said in one line."""


class Report(Protocol):
    """A report as `exchange` makes them: lines with examples, whole, or as JSON."""

    def summary(self) -> str:
        """Return it as lines to read, each kind of problem with examples."""

    def whole(self) -> str:
        """Return every entry, one a line."""

    def as_json(self) -> str:
        """Return it as one JSON object."""


class Answer:
    """What a command says: lines for a person, or with ``--json`` the same facts as one JSON object at its end.

    Parameters
    ----------
    as_json : bool
        Print nothing but one JSON object to standard output.
    whole : bool
        Reports with every entry, not with examples alone.
    """

    def __init__(self, as_json: bool = False, whole: bool = False) -> None:
        self._as_json = as_json
        self._whole = whole
        self._facts: dict[str, Any] = {}

    def say(self, text: str = "", **facts: object) -> None:
        """Print a line (none where it is empty); `facts` are for programs that listen."""
        self._facts |= facts
        if text and not self._as_json:
            print(text)

    def report(self, report: Report) -> None:
        """Print a report; its entries are facts."""
        self.say(report.summary(), **(json.loads(report.as_json()) if self._as_json else {}))
        if self._whole:
            self.say(report.whole())

    def warn(self, text: str) -> None:
        """Say to standard error what a person should know; a program finds it under ``warnings``."""
        self._facts.setdefault("warnings", []).append(text)
        print(f"napari-wsss: {text}", file=sys.stderr)

    def close(self) -> None:
        """Print what programs wait for."""
        if self._as_json:
            print(json.dumps(self._facts, indent=1, default=str))


Options = Callable[[argparse.ArgumentParser], None]
Verb = Callable[[argparse.Namespace, Answer], int]


@dataclass(frozen=True)
class Command:
    """One command.

    Parameters
    ----------
    name : str
        As it is typed.
    text : str
        What it does, in the line that `--help` shows.
    options : callable
        Adds its options to a parser; ``--json`` is there already.
    verb : callable
        Does it: takes the parsed options and an `Answer`, returns the exit code. Imports what it needs.
    """

    name: str
    text: str
    options: Options
    verb: Verb

    def run(self, options: argparse.Namespace) -> int:
        """Carry it out and return the exit code; what a person can correct is said in one line."""
        answer = Answer(options.json, getattr(options, "all", False))
        try:
            code = self.verb(options, answer)
        except BrokenPipeError:  # of the terminal: nobody is there to be told
            raise
        except (WsssError, OSError) as error:
            answer.say(error=str(error))
            print(f"napari-wsss: {error}", file=sys.stderr)
            code = CORRECTABLE
        answer.close()
        return code


@dataclass(frozen=True)
class Forwarded:
    """A command that is a stage of ``python -m training.run``, which knows its options.

    Parameters
    ----------
    name, text : str
        See `Command`.
    stage : callable
        Takes the words typed after the name, returns those of ``training.run``, beginning with the stage.
    known : sequence of str
        What the first of these words may be, for a shell that completes it.
    """

    name: str
    text: str
    stage: Callable[[Sequence[str]], list[str]]
    known: Sequence[str] = ()

    @property
    def program(self) -> str:
        """What is typed before the stage's name."""
        return f"napari-wsss {self.name}" if self.known else "napari-wsss"

    def run(self, words: Sequence[str]) -> int:
        """Run the stage in this terminal and return its exit code; help alone needs no stage."""
        if wants_help(words) and (parser := stage_parser(self.stage(words), self.program)) is not None:
            if self.known:
                parser.epilog = f"{self.program} WHAT --help says what each training takes: {', '.join(self.known)}."
            parser.print_help()
            return DONE
        try:
            return run_here(python("-m", "training.run", *self.stage(words)))
        except OSError as reason:
            print(f"napari-wsss: {reason}", file=sys.stderr)
            return CORRECTABLE


@dataclass(frozen=True)
class Late:
    """Choices that a heavy module holds: imported when one is checked or shown, not when they are declared."""

    module: str
    name: str

    def __iter__(self) -> Iterator[str]:
        yield from getattr(import_module(self.module), self.name)

    def __contains__(self, choice: object) -> bool:
        return choice in tuple(self)


@dataclass(frozen=True)
class Methods:
    """Choices that are the methods of a shelf: listed when one is checked or shown, without importing any."""

    shelf: Shelf

    def __iter__(self) -> Iterator[str]:
        yield from method_names(self.shelf)

    def __contains__(self, choice: object) -> bool:
        return choice in method_names(self.shelf)


class Either:
    """Choices that are those of one of several collections, each once."""

    def __init__(self, *several: Iterable[str]) -> None:
        self._several = several

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys(choice for choices in self._several for choice in choices)

    def __contains__(self, choice: object) -> bool:
        return choice in tuple(self)
