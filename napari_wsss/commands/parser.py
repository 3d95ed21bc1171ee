"""What is typed after `napari-wsss`: the parser of all commands, its grouped help, completion by a shell."""

import argparse
import os
from collections.abc import Sequence
from textwrap import wrap

from napari_wsss.commands.base import Forwarded
from napari_wsss.commands.table import COMMANDS, find


def run(typed: Sequence[str]) -> int:
    """Run the command that is typed, without the program's name, and return its exit code."""
    if "_ARGCOMPLETE" in os.environ:
        complete(parser())
    command = find(typed[0]) if typed else None
    if isinstance(command, Forwarded):
        return command.run(typed[1:])
    options = parser().parse_args(typed)
    code: int = options.run(options)
    return code


def complete(of: argparse.ArgumentParser) -> None:
    """Answer a shell that asks how what is typed could go on, and end; without argcomplete, go on.

    ``eval "$(register-python-argcomplete napari-wsss)"`` lets a shell ask.
    """
    try:
        import argcomplete
    except ModuleNotFoundError:
        return
    argcomplete.autocomplete(of)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; a stage of training has no options here."""
    top = argparse.ArgumentParser(
        "napari-wsss",
        description="Make, look at, open, train, export and fill projects from a terminal.",
        epilog=_listed(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="say which version this is, and end")
    commands = top.add_subparsers(required=True, metavar="command")
    for command in (one for group in COMMANDS.values() for one in group):
        made = commands.add_parser(command.name, description=command.text, allow_abbrev=False)
        if isinstance(command, Forwarded):
            made.add_argument("words", nargs="*", choices=command.known or None)
        else:
            made.add_argument("--json", action="store_true", help="the result as one JSON object, and nothing else")
            command.options(made)
            made.set_defaults(run=command.run)
    return top


class _Version(argparse.Action):
    """Print the installed version; it is looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_rest: object) -> None:
        from importlib.metadata import version

        print(f"napari-wsss {version('napari-wsss')}")
        parser.exit()


def _listed() -> str:
    lines = []
    for heading, group in COMMANDS.items():
        lines += ["", f"{heading}:"]
        for command in group:
            first, *rest = wrap(command.text, 76)
            lines += [f"  {command.name:<15} {first}", *(f"{'':<18}{line}" for line in rest)]
    return "\n".join([*lines[1:], "", "napari-wsss COMMAND --help says what a command takes."])
