"""What a project holds, out of it: masks, proposals, activation maps and clusters in the formats of other tools."""

import argparse
from pathlib import Path

from napari_wsss.commands.base import CORRECTABLE, DONE, Answer, Command, Late, Methods
from napari_wsss.commands.opened import listed, opened
from napari_wsss.commands.options import project_option, whole_option
from napari_wsss.core.parameters import advanced_options

WHAT = Late("napari_wsss.session.export_choices", "WHAT")
STATES = Late("napari_wsss.project.states", "STATES")
IMAGES = Late("napari_wsss.exchange.export_folder", "IMAGES")
FORMATS = Methods("exchange.writers")
BESIDE = ("grey", "preview", "sources")
"""Formats that have an option of their own."""


def _options(parser: argparse.ArgumentParser) -> None:
    advanced = advanced_options(parser)
    project_option(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    words = "%(choices)s; several go into folders of their own [what is usual: voc, maps_irn, clusters_csv, labels_csv]"
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=[], metavar="FORMAT", help=words)
    words = "%(choices)s [%(default)s]"
    parser.add_argument("--what", choices=WHAT, default="masks", metavar="WHAT", help=words)
    words = "%(choices)s [accepted for masks, all but excluded for the rest]"
    advanced.add_argument("--states", nargs="+", choices=STATES, default=[], metavar="STATE", help=words)
    parser.add_argument("--search", default="", metavar="LINE", help="only images that this search line finds")
    words = "what becomes of the image files: %(choices)s [%(default)s]"
    parser.add_argument("--images", choices=IMAGES, default="none", metavar="HOW", help=words)
    advanced.add_argument("--grey", action="store_true", help="also plain grey PNGs (value = class)")
    advanced.add_argument("--previews", action="store_true", help="also the images with the masks laid over")
    advanced.add_argument("--sources", action="store_true", help="also who made each pixel: a person or which model")
    advanced.add_argument("--replaced", action="store_true", help="also masks of images that were replaced since")
    words = "replace files that are no earlier export's of the same choice"
    advanced.add_argument("--overwrite", action="store_true", help=words)
    parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
    whole_option(parser)


def _export(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.core.progress import finish
    from napari_wsss.session.export_choices import USUAL
    from napari_wsss.session.exporting import Choice, export_project

    asked = zip(BESIDE, (options.grey, options.previews, options.sources), strict=True)
    formats = (*(options.format or [USUAL[options.what]]), *(name for name, wanted in asked if wanted))
    which = (options.what, tuple(options.states), options.search, options.replaced)
    choice = Choice(*which, formats, options.images, options.overwrite)
    with opened(options.project, answer, to_read=True) as project:
        report = finish(export_project(project, options.out, choice, dry_run=options.dry_run))
        counts = project.catalog.counts()
    answer.report(report)
    others = {state: count for state, count in counts.items() if state not in choice.wanted and count}
    if others:
        answer.say(f"Not exported, because not {' or '.join(choice.wanted)}: {listed(others)}.", not_exported=others)
    return DONE if report.written else CORRECTABLE


EXPORT = Command(
    "export", "write masks, proposals, maps, clusters or labels in formats of other tools", _options, _export
)
