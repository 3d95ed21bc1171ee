"""Masks out of a project."""

import argparse
from pathlib import Path

from napari_wsss.commands.base import DONE, Answer, Command
from napari_wsss.commands.opened import listed, opened
from napari_wsss.commands.options import project_option, whole_option


def _options(parser: argparse.ArgumentParser) -> None:
    project_option(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--grey", action="store_true", help="also plain grey PNGs (value = class)")
    parser.add_argument("--previews", action="store_true", help="also colour pictures to look at")
    parser.add_argument("--sources", action="store_true", help="also who made each pixel: a person or which model")
    parser.add_argument("--replaced", action="store_true", help="also masks of images that were replaced since")
    parser.add_argument("--overwrite", action="store_true", help="allow a folder that holds masks already")
    parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
    whole_option(parser)


def _export(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.exchange.accepted_masks import Accepted, AcceptedMask, write_labels
    from napari_wsss.exchange.masks_png import ExportOptions, export_masks

    chosen = ExportOptions(options.grey, options.previews, options.overwrite, options.dry_run, options.sources)
    with opened(options.project, answer, to_read=True) as project:
        records = list(project.catalog.records(states=("accepted",)))
        accepted = Accepted.of(project, [record.id for record in records], replaced=options.replaced)
        masks = [(one, AcceptedMask(project, one)) for one in accepted.ids]
        splits = {record.id: record.split for record in records}
        report = export_masks(masks, project.classes, options.out, chosen, splits)
        if not options.dry_run:
            write_labels(project, options.out)
        others = {state: count for state, count in project.catalog.counts().items() if state != "accepted" and count}
    answer.report(report)
    for reason in accepted.left_out:
        answer.warn(f"left out: {reason}.")
    if others:
        answer.say(f"Not exported, because not accepted: {listed(others)}.", not_accepted=others)
    return DONE


EXPORT = Command("export", "write the accepted masks as palette PNGs with VOC lists", _options, _export)
