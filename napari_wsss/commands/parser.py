"""What is typed after `napari-wsss`: the parser of all commands, its grouped help, completion by a shell."""

import argparse
import os
import sys
from collections.abc import Sequence
from textwrap import wrap

from napari_wsss.commands.base import CORRECTABLE, Command, Forwarded
from napari_wsss.commands.table import COMMANDS, find
from napari_wsss.core.errors import ParameterError
from napari_wsss.processes.option_files import config_option, file_in, with_file
from napari_wsss.processes.stage_parser import add_stage_options, stage_options


def run(typed: Sequence[str]) -> int:
    """Run the command that is typed, without the program's name, and return its exit code."""
    if "_ARGCOMPLETE" in os.environ:
        complete(parser(os.environ.get("COMP_LINE", "").split()[1:]))
    command = find(typed[0]) if typed else None
    if isinstance(command, Forwarded):
        return command.run(typed[1:])
    top = parser()
    if command is not None and file_in(typed[1:]) is not None:
        try:
            typed = [command.name, *with_file(_parser_of(command, top), typed[1:])]
        except ParameterError as error:
            print(f"napari-wsss: {error}", file=sys.stderr)
            return CORRECTABLE
    options = top.parse_args(typed)
    code: int = options.run(options)
    return code


def _parser_of(command: Command, top: argparse.ArgumentParser) -> argparse.ArgumentParser:
    commands = next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    found: argparse.ArgumentParser = commands.choices[command.name]
    return found


def complete(of: argparse.ArgumentParser) -> None:
    """Answer a shell that asks how what is typed could go on, and end; without argcomplete, go on.

    ``eval "$(register-python-argcomplete napari-wsss)"`` lets a shell ask.
    """
    try:
        import argcomplete
    except ModuleNotFoundError:
        return
    argcomplete.autocomplete(of)


def parser(typed: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the parser of all commands; of the stages of training the typed one has its options, to complete them."""
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
            _add_stage(made, command, typed[1:] if typed[:1] == [command.name] else None)
        else:
            made.add_argument("--json", action="store_true", help="the result as one JSON object, and nothing else")
            config_option(made)
            command.options(made)
            made.set_defaults(run=command.run)
    return top


def _add_stage(made: argparse.ArgumentParser, command: Forwarded, words: Sequence[str] | None) -> None:
    """Give the parser of a stage its options, once it is the one that was typed."""
    groups = None if words is None else stage_options(command.stage(words))
    if groups is None or command.known:
        made.add_argument("words", nargs="?" if groups else "*", choices=command.known or None)
    if groups is not None:
        own = [{**group, "options": [one for one in group["options"] if one["dest"] != "help"]} for group in groups]
        add_stage_options(made, own)


class _Version(argparse.Action):
    """Print the installed version, and whether another `training` stands in its way; looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_rest: object) -> None:
        from importlib.metadata import version

        from napari_wsss.processes.children import why_not_our_training

        print(f"napari-wsss {version('napari-wsss')}")
        if why := why_not_our_training():
            print(f"napari-wsss: {why}", file=sys.stderr)
        parser.exit()


def _listed() -> str:
    lines = []
    for heading, group in COMMANDS.items():
        lines += ["", f"{heading}:"]
        for command in group:
            first, *rest = wrap(command.text, 76)
            lines += [f"  {command.name:<15} {first}", *(f"{'':<18}{line}" for line in rest)]
    return "\n".join([*lines[1:], "", "napari-wsss COMMAND --help says what a command takes."])
