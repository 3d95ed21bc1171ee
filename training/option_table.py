"""The options of every stage as one file, `options.json`: help and a shell's completion need no torch for them.

``python -m training.option_table`` writes it anew; a test fails while it says something else than the parsers.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from napari_wsss.core.registry import own_method_names
from napari_wsss.processes.stage_list import OTHER_STAGES, TRAINED
from training.command_line import parser_for
from training.config import RECIPES

FILE = Path(__file__).with_name("options.json")


def table() -> dict[str, Any]:
    """Return the groups of options of every stage by its name; of a training those of every method of ours."""
    found: dict[str, Any] = {stage: _groups([stage]) for stage in OTHER_STAGES}
    for recipe in TRAINED:
        shelf, method = RECIPES[recipe]
        methods = {name: _groups([recipe, "--method", name]) for name in own_method_names(shelf)}
        found[recipe] = {"method": method, "methods": methods}
    return found


def _groups(typed: list[str]) -> list[dict[str, Any]]:
    """Return the groups of a stage's parser, each with its title and options."""
    top = parser_for(typed)
    stages = next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    parser: argparse.ArgumentParser = stages.choices[typed[0]]
    groups = [
        {"title": group.title, "options": [_option(action) for action in group._group_actions]}
        for group in parser._action_groups
    ]
    return [group for group in groups if group["options"]]


def _option(action: argparse.Action) -> dict[str, Any]:
    """Return one option or argument as plain JSON types: what help and completion show of it."""
    facts = {name: getattr(action, name) for name in ("dest", "nargs", "metavar")}
    words = (action.help or "") % {**vars(action), "prog": "napari-wsss", "choices": ", ".join(_choices(action))}
    words = words.removesuffix(f" (default: {action.default})")  # which some versions of Python add to such options
    facts |= {"flags": list(action.option_strings), "help": words, "required": action.required}
    facts |= {"choices": _choices(action)}
    facts |= {"both": isinstance(action, argparse.BooleanOptionalAction)}
    return {name: value for name, value in facts.items() if value is not None and value not in ([], False, "")} | (
        {"nargs": 0} if action.nargs == 0 and not facts["both"] else {}
    )


def _choices(action: argparse.Action) -> list[str]:
    return [str(choice) for choice in action.choices or ()]


def as_text() -> str:
    """Return what the file should hold."""
    text = json.dumps(table(), ensure_ascii=False, sort_keys=True)
    return text.replace('}, {"dest"', '},\n{"dest"').replace('}], "title"', '}],\n"title"') + "\n"


if __name__ == "__main__":
    FILE.write_text(as_text(), encoding="utf-8")
    sys.stdout.write(f"{FILE} is written.\n")
