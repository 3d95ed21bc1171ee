"""Whether a project is whole, and its older generations."""

import argparse
import os
from pathlib import Path

from napari_wsss.commands.base import CORRECTABLE, DONE, FOUND, Answer, Command
from napari_wsss.commands.opened import listed, opened
from napari_wsss.commands.options import project_argument


def _check_options(parser: argparse.ArgumentParser) -> None:
    project_argument(parser)
    parser.add_argument("--repair", action="store_true", help="put right what can be without touching a person's work")


def _check(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.core.inside import writable
    from napari_wsss.processes.children import why_not_our_training
    from napari_wsss.project.durable.check import check

    if foreign := why_not_our_training():  # the project is whole, and nothing can be trained on it
        answer.warn(foreign)
    found = check(options.project, repair=options.repair)
    open_ones = [finding for finding in found if not finding.repaired]
    for finding in found:
        done = " Repaired." if finding.repaired else ""
        about = f"{finding.kind}: {writable(finding.name)}" if finding.name else finding.kind
        answer.say(f"{about}: {writable(finding.words)}{done}")
    repaired = len(found) - len(open_ones)
    counted = f"{len(open_ones) or 'no'} finding(s){f', {repaired} repaired' if repaired else ''}"
    facts = [finding.to_dict() for finding in found]
    answer.say(f"{options.project}: {counted}.", sound=not open_ones, findings=facts)
    return FOUND if open_ones or foreign else DONE


def _restore_options(parser: argparse.ArgumentParser) -> None:
    project_argument(parser)
    words = "restore this file of its backups, or `newest`; without it the generations are listed, nothing is changed"
    generation = parser.add_argument("--generation", metavar="NAME", help=words)
    generation.completer = _generations  # type: ignore[attr-defined]  # argcomplete's way; it need not be there


def _generations(**_asked: object) -> list[str]:
    """Return what a shell offers: the backups of the project in the line that argcomplete is asked to complete."""
    typed = map(Path, os.environ.get("COMP_LINE", "").split()[1:])
    found = (path.name for folder in typed for path in (folder / "backups").glob("*.sqlite"))
    return ["newest", *sorted(found)]


def _restore(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.project.durable.restoring import restore

    if options.generation is None:
        return _list(options, answer)
    restored, kept = restore(options.project, "" if options.generation == "newest" else options.generation)
    words = f"Restored {restored.name}.{f' The replaced database is kept as {kept}.' if kept else ''}"
    answer.say(words, restored=restored.name, kept=kept)
    with opened(options.project, answer) as project:  # its masks follow now
        states = project.catalog.counts()
        answer.say(f"The project has {listed(states)}.", states=states)
    return DONE


def _list(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.project.durable.restoring import generations, read_generation
    from napari_wsss.project.project import FILE_NAME

    present = options.project / FILE_NAME
    if present.is_file():
        answer.say(f"now: {read_generation(present).line()}")
    found = generations(options.project)
    lines = "\n".join(one.line() for one in found) or "There are no backups."
    answer.say(lines, generations=[one.path.name for one in found])
    return DONE if found else CORRECTABLE


CHECK = Command("check", "look whether a project is whole; repair what needs no decision", _check_options, _check)
RESTORE = Command("restore", "list the generations of a project, or restore one", _restore_options, _restore)
