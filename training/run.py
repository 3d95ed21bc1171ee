"""`python -m training.run <stage>`: every stage without a window, with the options the forms have.

Exit codes: 0 done, 2 wrong options, 3 stopped (resumable), 4 bad data or settings, 5 out of memory.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from napari_wsss.core.errors import WsssError
from napari_wsss.core.option_files import FLAG, config_option, file_in, read_mapping, with_file
from napari_wsss.core.registry import method_names
from napari_wsss.processes.children import distrust, print_any_name, until_nobody_reads
from napari_wsss.processes.stage_list import OTHER_STAGES, TRAINED, Recipe
from napari_wsss.project.project import Project
from training.config import RECIPES
from training.describing import describe
from training.processes import refuse_several
from training.published_presets import is_published, published_preset
from training.report import OneObject, Reporter, complain, reporter
from training.resolving import add_recipe_options, read_config, resolve
from training.scoring.tables import as_text
from training.stopping import STOPPED

OURS = ("napari_wsss", "training")
DONE, BAD_DATA, OUT_OF_MEMORY = 0, 4, 5
PLAIN_FILE = "file_holds_options"
"""Set of stages whose ``--config`` holds options and nothing else."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of this process otherwise.
    """
    distrust(Path.cwd())
    print_any_name()
    typed = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = parsed(typed)
        options.is_program = arguments is None
        if not getattr(options, "describe", False):
            refuse_several(options.stage)
    except WsssError as error:
        return _refuse(str(error), typed)
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] in OURS:
            raise
        needed = (
            f"This stage needs the package {missing.name!r}, which is not installed. Install what training needs with"
        )
        return _refuse(f'{needed}: pip install "napari-wsss[torch]".', typed)
    report = reporter(options.events, options.json)
    try:
        return guarded(lambda: options.carry_out(options, report), report)
    finally:
        report.close()


def _refuse(why: str, typed: Sequence[str]) -> int:
    """Say why a stage is not begun, to programs too where one waits for an object."""
    if "--json" in typed:
        report = OneObject()
        report.note(error=why)
        report.close()
    complain(why)
    return BAD_DATA


def guarded(stage: Callable[[], int], report: Reporter | None = None) -> int:
    """Return the exit code of `stage`; what a person can act on becomes one message and its exit code.

    Where programs wait for one object (`OneObject`), the message is in it, too.
    """
    try:
        return stage()
    except WsssError as error:
        if isinstance(report, OneObject):
            report.note(error=str(error))
        complain(str(error))
        return BAD_DATA
    except KeyboardInterrupt:
        complain("Stopped.")
        return STOPPED
    except (MemoryError, RuntimeError) as error:
        from training.hardware import out_of_memory

        if not out_of_memory(error):
            raise
        complain(
            f"Out of memory ({str(error).splitlines()[0] if str(error) else 'no details'}). Use a smaller "
            "--batch-size or --crop, fewer --pixel-budget pixels, or --device cpu."
        )
        return OUT_OF_MEMORY


def parsed(typed: Sequence[str]) -> argparse.Namespace:
    """Return the options that were typed, those of a file of ``--config`` among them.

    A file of sections (a training's) or with entries of its own (a stage's that has such files) is left to the stage.

    Raises
    ------
    ParameterError
        When the file cannot be read, or names what is no option.
    """
    top = parser_for(typed)
    place = next((place for place, word in enumerate(typed) if not word.startswith("-")), len(typed))
    path = file_in(typed)
    if path is None or place == len(typed):
        return top.parse_args(typed)
    stages = next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    stage, rest = stages.choices.get(typed[place]), typed[place + 1 :]
    if stage is None or (not stage.get_default(PLAIN_FILE) and _has_entries_of_its_own(path, stage)):
        return top.parse_args(typed)
    found = top.parse_args([*typed[: place + 1], *with_file(stage, rest)])
    found.config = None
    return found


def _has_entries_of_its_own(path: Path, stage: argparse.ArgumentParser) -> bool:
    names = {flag[2:].replace("-", "_") for action in stage._actions for flag in action.option_strings}
    names |= {action.dest for action in stage._actions}
    return path.is_dir() or not {name.replace("-", "_") for name in read_mapping(path)} <= names


def parser_for(typed: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of all stages; the one named in `typed` has its options (a method may add its own)."""
    parser = argparse.ArgumentParser("python -m training.run", description=__doc__, allow_abbrev=False)
    stages = parser.add_subparsers(dest="stage", required=True, metavar="stage")
    wanted = next((word for word in typed if not word.startswith("-")), "")
    for recipe, text in TRAINED.items():
        stage = stages.add_parser(recipe, help=text, description=text, allow_abbrev=False)
        if recipe == wanted:
            _add_training_options(stage, recipe, typed)
    for name, (module, text) in OTHER_STAGES.items():
        stage = stages.add_parser(name, help=text, description=text, allow_abbrev=False)
        if name == wanted:
            _add_shared_options(stage)
            function = name.replace("-", "_")
            getattr(import_module(module), f"add_{function}_options")(stage, typed)
            stage.set_defaults(carry_out=getattr(import_module(module), function))
            if FLAG not in stage._option_string_actions:
                config_option(stage)
                stage.set_defaults(**{PLAIN_FILE: True})
    return parser


def _add_shared_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", action="store_true", help="one JSON object per line instead of a progress bar")
    parser.add_argument("--json", action="store_true", help="the result as one JSON object, progress on standard error")


def _add_training_options(parser: argparse.ArgumentParser, recipe: Recipe, typed: Sequence[str]) -> None:
    _add_shared_options(parser)
    parser.add_argument("--project", type=Path, help="project folder")
    words = "JSON or YAML file of options by name, or of sections as in the run.json of a run; a run's folder"
    parser.add_argument("--config", type=Path, metavar="FILE", help=words)
    parser.add_argument("--resume", type=Path, help="continue this run folder; its own configuration counts")
    parser.add_argument("--apply", action="store_true", help="let the project use the trained model")
    parser.add_argument("--describe", action="store_true", help="print all options as JSON and end")
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--method", default=RECIPES[recipe][1])
    first.add_argument("--config", type=Path)
    first.add_argument("--preset", default="")
    known, _ = first.parse_known_args(typed)
    method = known.method
    file = read_config(known.config, recipe) if known.config else {}
    preset = known.preset or str(file.get("preset", ""))
    if is_published(preset) and "--method" not in typed:
        method = published_preset(preset).method
    elif "--method" not in typed:
        method = file.get("method", method)
    if method not in method_names(RECIPES[recipe][0]):
        method = RECIPES[recipe][1]
    add_recipe_options(parser, recipe, method)
    parser.set_defaults(carry_out=train)


def train(options: argparse.Namespace, report: Reporter) -> int:
    """Train as the options say, and apply the result if asked to."""
    from training.changes import changes_since
    from training.execute import apply, begin, carry_out, continued

    recipe: Recipe = options.stage
    file = read_config(options.config, recipe) if options.config else {}
    if options.describe:
        entries = describe(resolve(recipe, options, file))
        report.say(json.dumps(entries), options=entries)
        return DONE
    if options.project is None:
        complain("Give --project FOLDER.")
        return 2
    with Project.open_to_read(options.project) as project:
        if options.resume:
            config, run = continued(project, options.resume)
            changed = changes_since(project, run.record)
            if changed:
                report.say(f"{changed} What the run fixed when it began stays; the rest is as it is now.")
        else:
            config = resolve(recipe, options, file)
            run = begin(project, config)
        name = config.optimisation.preset
        preset = published_preset(name) if is_published(name) else None
        if preset:
            report.say(f"{preset.name}: {preset.note}")
        outcome = carry_out(project, config, run, report, in_time=options.is_program)
    if outcome.tables:
        report.say(as_text(outcome.tables), tables=outcome.tables)
    if preset and preset.figures:
        report.say(f"Published: {'; '.join(map(str, preset.figures))}.")
    if not outcome.finished:
        report.say(f"stopped at step {outcome.steps}; continue with --resume {run.path}")
        return STOPPED
    if options.apply:
        with Project.open(options.project) as project:
            apply(project, config, run)
    return DONE


if __name__ == "__main__":
    sys.exit(until_nobody_reads(main))
