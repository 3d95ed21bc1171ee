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
from napari_wsss.core.registry import method_names
from napari_wsss.processes.children import distrust, print_any_name
from napari_wsss.processes.stage_list import OTHER_STAGES, TRAINED, Recipe
from napari_wsss.project.project import Project
from training.config import RECIPES
from training.describing import describe
from training.processes import refuse_several
from training.published_presets import is_published, published_preset
from training.report import Reporter, complain, reporter
from training.resolving import add_recipe_options, read_config, resolve
from training.scoring.tables import as_text
from training.stopping import STOPPED

OURS = ("napari_wsss", "training")
DONE, BAD_DATA, OUT_OF_MEMORY = 0, 4, 5


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
        options = parser_for(typed).parse_args(typed)
        options.is_program, options.typed = arguments is None, typed
        if not getattr(options, "describe", False):
            refuse_several(options.stage)
    except WsssError as error:
        complain(str(error))
        return BAD_DATA
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] in OURS:
            raise
        complain(
            f"This stage needs the package {missing.name!r}, which is not installed. Install what training needs with: "
            'pip install "napari-wsss[torch]".'
        )
        return BAD_DATA
    report = reporter(options.events, options.json)
    try:
        return guarded(lambda: options.carry_out(options, report))
    finally:
        report.close()


def guarded(stage: Callable[[], int]) -> int:
    """Return the exit code of `stage`; what a person can act on becomes one message and its exit code."""
    try:
        return stage()
    except WsssError as error:
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
    return parser


def _add_shared_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", action="store_true", help="one JSON object per line instead of a progress bar")
    parser.add_argument("--json", action="store_true", help="the result as one JSON object, progress on standard error")


def _add_training_options(parser: argparse.ArgumentParser, recipe: Recipe, typed: Sequence[str]) -> None:
    _add_shared_options(parser)
    parser.add_argument("--project", type=Path, help="project folder")
    parser.add_argument("--config", type=Path, help="JSON or YAML file of options, such as the run.json of a run")
    parser.add_argument("--resume", type=Path, help="continue this run folder; its own configuration counts")
    parser.add_argument("--apply", action="store_true", help="let the project use the trained model")
    parser.add_argument("--describe", action="store_true", help="print all options as JSON and end")
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--method", default=RECIPES[recipe][1])
    first.add_argument("--config", type=Path)
    first.add_argument("--preset", default="")
    known, _ = first.parse_known_args(typed)
    method = known.method
    if is_published(known.preset) and "--method" not in typed:
        method = published_preset(known.preset).method
    elif known.config and "--method" not in typed:
        method = read_config(known.config, recipe).get("method", method)
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
    sys.exit(main())
