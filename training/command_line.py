"""What is typed after `python -m training.run`: the parsers of all stages, and carrying one out.

Loaded once there is something to compute; `run.py` answers who only asks for help.
"""

from __future__ import annotations

import argparse
import errno
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_wsss.core.errors import WsssError
from napari_wsss.core.registry import method_names
from napari_wsss.processes.option_files import FLAG, config_option, file_in, read_mapping, with_file
from napari_wsss.processes.stage_list import OTHER_STAGES, TRAINED, Recipe
from napari_wsss.processes.stage_parser import every_stage
from napari_wsss.project.project import Project
from training.allocator import keep_freed_memory
from training.config import RECIPES, RunConfig
from training.describing import describe
from training.distributed import FirstFailed, World, joined
from training.processes import refuse_several
from training.published_presets import PublishedPreset, is_published, published_preset
from training.report import OneObject, Reporter, Silent, complain, reporter
from training.resolving import add_recipe_options, read_config, resolve
from training.run_folder import RunFolder
from training.scoring.tables import as_text
from training.stopping import STOPPED

if TYPE_CHECKING:
    from training.loop.milestones import Outcome

OURS = ("napari_wsss", "training")
DONE, BAD_DATA, OUT_OF_MEMORY = 0, 4, 5
PLAIN_FILE = "file_holds_options"
"""Set of stages whose ``--config`` holds options and nothing else."""
AUTO = "auto"
TRAINING = "training"
_RIGHTS = "Correct the permissions, or work on a copy of the project (the image folder may stay read-only)"
_ROOM = "Make room; the same command goes on, a training with --resume"
_UNWRITABLE = {
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.ENOSPC: _ROOM,
    getattr(errno, "EDQUOT", errno.ENOSPC): _ROOM,
}
"""What a person can do about errors of the system."""
PARTING = 2.0
"""Seconds that the first of several processes has to say what went wrong."""


def run_stage(typed: Sequence[str], is_program: bool) -> int:
    """Run one stage and return its exit code.

    Parameters
    ----------
    typed : sequence of str
        Command line without the program's name.
    is_program : bool
        Whether this process is there for the stage alone.
    """
    typed = list(typed)
    if is_program:
        keep_freed_memory()
    try:
        options = parsed(typed)
        options.is_program, options.typed = is_program, typed
        if not getattr(options, "describe", False):
            refuse_several(options.stage, shares=options.stage in TRAINED)
    except WsssError as error:
        return _refuse(str(error), typed)
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] in OURS:
            raise
        needed = (
            f"This stage needs the package {missing.name!r}, which is not installed. Install what training needs with"
        )
        return _refuse(f'{needed}: pip install "napari-wsss[torch]".', typed)
    report = reporter(options.events, options.json) if World.from_environment().is_first else Silent()
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
    except FirstFailed:
        return DONE  # the first one says so, and ends with another code
    except WsssError as error:
        mine = World.from_environment()
        if isinstance(report, OneObject):
            report.note(error=str(error))
        complain(str(error) if mine.is_first else f"Process {mine.rank}: {error}")
        if not mine.is_first:
            time.sleep(PARTING)  # a launcher ends the others as soon as one has failed
        return BAD_DATA
    except KeyboardInterrupt:
        complain("Stopped.")
        return STOPPED
    except OSError as error:
        advice = _UNWRITABLE.get(error.errno or 0)
        if advice is None:
            raise
        words = f"{error.filename or 'A file'}: {error.strerror}. {advice}."
        if isinstance(report, OneObject):
            report.note(error=words)
        complain(words)
        return BAD_DATA
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
    parser, stages = every_stage()
    wanted = next((word for word in typed if not word.startswith("-")), "")
    recipe = next((one for one in TRAINED if one == wanted), None)
    if recipe is not None:
        _add_training_options(stages[recipe], recipe, typed)
    elif wanted in OTHER_STAGES:
        stage, module, function = stages[wanted], import_module(OTHER_STAGES[wanted][0]), wanted.replace("-", "_")
        _add_shared_options(stage)
        getattr(module, f"add_{function}_options")(stage, typed)
        stage.set_defaults(carry_out=getattr(module, function))
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
    resume = "continue this run folder, whose own configuration counts; 'auto': a run of this very command, if any"
    parser.add_argument("--resume", type=Path, help=resume)
    parser.add_argument("--anew", action="store_true", help="begin a new run, although one like it could go on")
    parser.add_argument("--log", default="", help="tell figures to tensorboard, wandb or mlflow too (with commas)")
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
    from training.execute import carry_out
    from training.loop.milestones import Outcome

    recipe: Recipe = options.stage
    file = read_config(options.config, recipe) if options.config else {}
    if options.describe:
        entries = describe(resolve(recipe, options, file))
        report.say(json.dumps(entries), options=entries)
        return DONE
    if options.project is None:
        complain("Give --project FOLDER.")
        return 2
    count = _processes(options, file) if World.from_environment().size == 1 else 1
    if count > 1:
        from training.launching import launched

        return launched(count, options.typed)
    with joined() as processes, Project.open_to_read(options.project) as project:
        config, run = processes.first_does(lambda: _configured(project, options, file, report))
        preset = _published(config)
        if preset:
            report.say(f"{preset.name}: {preset.note}")
        if run.record["state"] == "done" and str(options.resume) == AUTO:
            report.say(f"{run.path.name} was finished before.")
            outcome = Outcome(True, int(run.record.get("steps", 0)), run.record.get("figures", {}), {})
        else:
            outcome = carry_out(project, config, run, report, in_time=options.is_program, log=options.log)
    # How it ended says the exit code of the first process: a launcher ends all when one of them has another than 0.
    return _concluded(outcome, config, run, options, report) if processes.is_first else DONE


def _processes(options: argparse.Namespace, file: Mapping[str, Any]) -> int:
    """Return how many processes are to share the training: as typed, as in the configuration or in that of the run."""
    kept: Mapping[str, Any] = file
    if options.resume is not None and str(options.resume) != AUTO:
        folder = Path(options.resume)
        known = options.project / TRAINING / folder.name
        with suppress(WsssError):  # what is wrong with it is said where it is opened
            kept = read_config(known if not folder.is_dir() and known.is_dir() else folder, options.stage)
    hardware: dict[str, int] = dict(kept.get("hardware", {}))
    count: int | None = getattr(options, "processes", hardware.get("processes", 1))
    if count:
        return count
    import torch

    return max(1, torch.cuda.device_count())


def _configured(
    project: Project, options: argparse.Namespace, file: Mapping[str, Any], report: Reporter
) -> tuple[RunConfig, RunFolder]:
    """Return the configuration and the folder of the run to carry out: of one that goes on, or of a new one."""
    from training.changes import changes_since
    from training.execute import begin, continued, done_before, provenance_of, unfinished

    folder: Path | None = options.resume
    if folder is None or str(folder) == AUTO:
        config = resolve(options.stage, options, file)
        provenance = provenance_of(project, config)
        earlier = None if options.anew else unfinished(project, config, provenance)
        if earlier is None and folder is not None:
            earlier = done_before(project, config, provenance)
        if earlier is None:
            return config, begin(project, config, provenance)
        steps = f" from step {earlier.record['steps']}" if "steps" in earlier.record else ""
        folder = earlier.path
        report.say(f"The same training was begun before: {earlier.path.name} goes on{steps} (--anew begins another).")
    config, run = continued(project, folder)
    changed = changes_since(project, run.record)
    if changed:
        report.say(f"{changed} What the run fixed when it began stays; the rest is as it is now.")
    return config, run


def _concluded(
    outcome: Outcome, config: RunConfig, run: RunFolder, options: argparse.Namespace, report: Reporter
) -> int:
    """Say how a run ended, apply its model if asked to, and return the exit code."""
    from training.execute import apply

    if outcome.tables:
        report.say(as_text(outcome.tables), tables=outcome.tables)
    preset = _published(config)
    if preset and preset.figures:
        report.say(f"Published: {'; '.join(map(str, preset.figures))}.")
    if not outcome.finished:
        report.say(f"stopped at step {outcome.steps}; continue with --resume {run.path}")
        return STOPPED
    if options.apply:
        with Project.open(options.project) as project:
            apply(project, config, run)
    return DONE


def _published(config: RunConfig) -> PublishedPreset | None:
    name = config.optimisation.preset
    return published_preset(name) if is_published(name) else None
