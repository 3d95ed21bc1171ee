"""`napari-wsss`: make, look at, open, train, export and fill projects from a terminal.

`commands/table.py` lists the commands; those that compute are handed on to ``python -m training.run``.
Exit codes: 0 done, 1 `check` found something, 2 wrong options, 4 something a person can correct (said in one line).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from napari_wsss.commands.base import Forwarded
from napari_wsss.commands.table import COMMANDS, find
from napari_wsss.processes.children import distrust, print_any_name


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of this process otherwise.
    """
    distrust(Path.cwd())
    print_any_name()
    typed = list(sys.argv[1:] if arguments is None else arguments)
    command = find(typed[0]) if typed else None
    if isinstance(command, Forwarded):
        return command.run(typed[1:])
    options = parser().parse_args(typed)
    code: int = options.run(options)
    return code


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; a stage of training has no options here."""
    top = argparse.ArgumentParser(
        "napari-wsss",
        description=(__doc__ or "").splitlines()[0],
        epilog=_listed(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="say which version this is, and end")
    commands = top.add_subparsers(required=True, metavar="command")
    for command in (one for group in COMMANDS.values() for one in group):
        made = commands.add_parser(command.name, description=command.text, allow_abbrev=False)
        if not isinstance(command, Forwarded):
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


if __name__ == "__main__":
    sys.exit(main())
