"""Image-level labels read again, into a project that exists."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_wsss.commands.base import CORRECTABLE, DONE, Answer, Command
from napari_wsss.commands.opened import opened
from napari_wsss.commands.options import KINDS, project_option, whole_option
from napari_wsss.core.parameters import advanced_options

if TYPE_CHECKING:
    from napari_wsss.project.project import Project


def _options(parser: argparse.ArgumentParser) -> None:
    advanced = advanced_options(parser)
    project_option(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--labels", type=Path, help="table, list, folder, or annotations of another tool")
    what.add_argument("--take-back", action="store_true", help="give the images of the last import the labels they had")
    words = "how the labels are written: %(choices)s [%(default)s]"
    parser.add_argument("--kind", choices=KINDS, default="auto", metavar="KIND", help=words)
    advanced.add_argument("--encoding", default="", help="how a label file is written: gb18030, cp1251 ... [found out]")
    advanced.add_argument("--edited-too", action="store_true", help="also images whose labels a person changed here")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, write nothing")
    whole_option(parser)


def _import(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.exchange.label_changes import LabelChoices, find_label_changes, take

    with opened(options.project, answer, to_read=options.dry_run) as project:
        if options.take_back:
            return _take_back(project, options, answer)
        chosen = LabelChoices(options.kind, options.encoding, options.edited_too)
        found = find_label_changes(project, options.labels, chosen)
        answer.report(found)
        found.check()
        if not options.dry_run:
            count = take(project, found)
            answer.say(f"{count} images have other labels now. --take-back undoes it.", taken=count)
    return DONE


def _take_back(project: Project, options: argparse.Namespace, answer: Answer) -> int:
    source = project.label_imports.last
    if not source:
        answer.warn("no labels were imported that could be taken back.")
        return CORRECTABLE
    if options.dry_run:
        answer.say(f"Would take back the labels from {source}.", source=source)
        return DONE
    back, edited = project.label_imports.take_back()
    kept = f" {len(edited)} were edited since and stay: {', '.join(edited[:5])}." if edited else ""
    answer.say(f"{len(back)} images have the labels from before {source}.{kept}", taken_back=len(back), edited=edited)
    return DONE


IMPORT_LABELS = Command("import-labels", "read image-level labels again, with what changes", _options, _import)
