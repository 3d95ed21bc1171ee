"""The parsers of stages without the stages: help and a shell's completion by the options that lie beside `training`.

`training/options.json` says what each stage takes (`training/option_table.py` writes it). So help needs neither torch
nor a second. Where another distribution adds methods, or a file or preset decides the method, the stage says it itself.
"""

import argparse
import json
import re
from collections.abc import Sequence
from typing import Any

from napari_wsss.core.parameters import ADVANCED
from napari_wsss.core.registry import SHELVES, method_names, own_method_names
from napari_wsss.processes.our_training import ROOT
from napari_wsss.processes.stage_list import OTHER_STAGES, TRAINED

FILE = ROOT / "training" / "options.json"
PROGRAM = "python -m training.run"
DESCRIPTION = (
    "Every stage without a window, with the options that the forms have. Exit codes: 0 done, 2 wrong options, 3 "
    "stopped (resumable), 4 bad data or settings, 5 out of memory."
)
HELP = ("-h", "--help")
DECIDING = ("--config", "--preset")
"""Options that may decide which method's options there are."""
_LISTED = re.compile(r"\{([^}]*)\}")
"""How an option that also takes other values names those that are known."""
_SUGGESTED = {"device": ("auto", "cpu", "cuda", "mps"), "log": ("tensorboard", "wandb", "mlflow")}


def wants_help(words: Sequence[str]) -> bool:
    """Tell whether help was asked for, and nothing that only the stage itself knows."""
    if any(word.partition("=")[0] in DECIDING for word in words) or not any(word in HELP for word in words):
        return False
    return all(method_names(shelf) == own_method_names(shelf) for shelf in SHELVES)


def every_stage() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser of ``python -m training.run``, and those of its stages by name, which have no options yet."""
    top = argparse.ArgumentParser(PROGRAM, description=DESCRIPTION, allow_abbrev=False)
    stages = top.add_subparsers(dest="stage", required=True, metavar="stage")
    return top, {
        name: stages.add_parser(name, help=text, description=text, allow_abbrev=False)
        for name, text in _texts().items()
    }


def help_without_stage(words: Sequence[str]) -> str | None:
    """Return the help that ``python -m training.run`` is asked for; None where it is not, or only the stage knows it.

    Parameters
    ----------
    words : sequence of str
        What is typed after it.
    """
    if words and words[0] in HELP:
        return every_stage()[0].format_help()
    if not words or words[0] not in _texts() or not wants_help(words[1:]):
        return None
    found = stage_parser(words, PROGRAM)
    return None if found is None else found.format_help()


def stage_parser(words: Sequence[str], program: str = "napari-wsss") -> argparse.ArgumentParser | None:
    """Return a parser with the options of a stage, for help and completion alone; None where nothing is known of it.

    Parameters
    ----------
    words : sequence of str
        As ``training.run`` takes them: the stage, then its options; ``--method`` says whose options a training has.
    program : str
        What is typed before the stage.
    """
    stage = words[0]
    groups = stage_options(words)
    if groups is None:
        return None
    usage = _usage(program, stage, groups)
    parser = argparse.ArgumentParser(
        f"{program} {stage}", usage, description=_texts()[stage], add_help=False, allow_abbrev=False
    )
    add_stage_options(parser, groups)
    return parser


def _texts() -> dict[str, str]:
    """Return a line for each stage, those that train first."""
    return {
        **{str(name): text for name, text in TRAINED.items()},
        **{one: text for one, (_, text) in OTHER_STAGES.items()},
    }


def _usage(program: str, stage: str, groups: Sequence[dict[str, Any]]) -> str:
    """Return the line that says what has to be typed; the options that may be are many."""
    every = [option for group in groups for option in group["options"]]
    needed = [f"{one['flags'][0]} {one['dest'].upper()}" for one in every if one.get("flags") and one.get("required")]
    arguments = [one["dest"] for one in every if not one.get("flags")]
    return " ".join([program, stage, *needed, *arguments, "[options]"]).replace("%", "%%")


def add_stage_options(parser: argparse.ArgumentParser, groups: Sequence[dict[str, Any]]) -> None:
    """Add the options of a stage, those for a first use before the advanced ones."""
    usual = {"positional arguments": parser, "options": parser}
    for group in sorted(groups, key=lambda one: one["title"].startswith(ADVANCED)):
        into = usual.get(group["title"]) or parser.add_argument_group(group["title"])
        for option in group["options"]:
            _add(into, option)


def stage_options(words: Sequence[str]) -> list[dict[str, Any]] | None:
    """Return the groups of options of the stage that the first of its words names; None where nothing is known."""
    try:
        every: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    found = every.get(words[0])
    if not isinstance(found, dict):
        return None if found is None else list(found)
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--method", nargs="?", default=found["method"])  # "?": a shell asks how it could go on
    known: dict[str, list[dict[str, Any]]] = found["methods"]
    method = str(first.parse_known_args(list(words[1:]))[0].method)
    return list(known.get(method) or known[found["method"]])


def _suggested(option: dict[str, Any]) -> Sequence[str]:
    """Return what a shell offers for an option that takes other values, too."""
    listed = _LISTED.match(option.get("metavar") or "")
    return listed[1].split(",") if listed else _SUGGESTED.get(option["dest"], ())


def _add(into: Any, option: dict[str, Any]) -> None:
    flags = [flag for flag in option.get("flags", ()) if not (option.get("both") and flag.startswith("--no-"))]
    facts: dict[str, Any] = {"help": option.get("help", "").replace("%", "%%"), "default": argparse.SUPPRESS}
    if option["dest"] == "help":
        facts["action"] = "help"
    elif option.get("both"):
        facts["action"] = argparse.BooleanOptionalAction
    elif option.get("nargs") == 0:
        facts["action"] = "store_true"
    else:
        facts |= {name: option[name] for name in ("nargs", "choices", "metavar") if name in option}
    if flags:
        facts |= {"dest": option["dest"]}
        facts |= {"required": True} if option.get("required") else {}
        added = into.add_argument(*flags, **facts)
        if "choices" not in option and (words := _suggested(option)):
            added.completer = lambda **_: words  # argcomplete's way
    else:
        into.add_argument(option["dest"], **facts)
