"""The class list of a project: listed, added to, renamed, merged, deleted, and that taken back."""

import argparse

from napari_wsss.commands.base import DONE, Answer, Command
from napari_wsss.commands.opened import opened
from napari_wsss.commands.options import project_option
from napari_wsss.core.errors import LabelError

ACTIONS = {"list": (), "add": ("NAME",), "rename": ("OLD", "NEW"), "merge": ("NAME", "INTO"), "delete": ("NAME",)}
ACTIONS |= {"undo": ()}
"""What can be done, and the names it takes."""


def _options(parser: argparse.ArgumentParser) -> None:
    taken = "; ".join(" ".join((action, *names)) for action, names in ACTIONS.items())
    parser.add_argument("action", nargs="?", choices=tuple(ACTIONS), default="list", help=f"{taken} [%(default)s]")
    parser.add_argument("names", nargs="*", help="of classes")
    project_option(parser)
    pixels = "what the pixels of a deleted class become [%(default)s]"
    parser.add_argument("--pixels", choices=("ignore", "background"), default="ignore", help=pixels)
    parser.add_argument("--dry-run", action="store_true", help="say what merging or deleting would do, write nothing")


def _classes(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.clusters.edits import refresh_image_clusters

    action, names = options.action, options.names
    if len(names) != len(ACTIONS[action]):
        wanted = " ".join(ACTIONS[action]) or "no names"
        raise LabelError(f"{action} takes {wanted}; found {len(names)} names: {', '.join(names) or 'none'}.")
    with opened(options.project, answer, to_read=action == "list" or options.dry_run) as project:
        changes = project.class_changes
        if action == "add" and not options.dry_run:
            project.add_class(*names)
        elif action == "rename" and not options.dry_run:
            project.rename_class(*names)
        elif action in ("merge", "delete"):
            into = names[1] if action == "merge" else options.pixels
            effect = changes.effect(names[0], into)
            if not options.dry_run:
                _ = changes.merge(names[0], into) if action == "merge" else changes.delete(names[0], into)
                refresh_image_clusters(project)
            answer.say(effect.text, labelled=effect.labelled, masks=effect.masks, left_empty=effect.left_empty)
        elif action == "undo":
            told = changes.last if options.dry_run else changes.take_back()
            if not options.dry_run:
                refresh_image_clusters(project)
            answer.say(f"Taken back: {told}." if told else "There is nothing to take back.", taken_back=told)
        listed = [(project.classes.mask_value(name), name, n) for name, n in project.catalog.class_counts().items()]
        answer.say(classes={name: value for value, name, _ in listed})
        for value, name, count in listed:
            answer.say(f"{value:>3}  {name}  ({count} images)")
    return DONE


CLASSES = Command("classes", "list, add, rename, merge and delete classes; undo", _options, _classes)
