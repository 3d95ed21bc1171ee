"""Masks that exist already, into a project."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from napari_wsss.commands.base import DONE, Answer, Command
from napari_wsss.commands.opened import opened, suggest_every_pixel
from napari_wsss.commands.options import project_option, whole_option

if TYPE_CHECKING:
    from napari_wsss.exchange.masks_png import MaskImportReport
    from napari_wsss.project.project import Project


def _options(parser: argparse.ArgumentParser) -> None:
    project_option(parser)
    words = "folder of masks named like the images, or of an export"
    parser.add_argument("--masks", type=Path, required=True, help=words)
    parser.add_argument("--accept", action="store_true", help="as accepted masks instead of drafts")
    parser.add_argument("--split", choices=("train", "val"), help="only images of this split")
    parser.add_argument("--limit", type=int, help="at most so many masks, in the project's order")
    parser.add_argument("--overwrite", action="store_true", help="also images that have a draft or an accepted mask")
    whole_option(parser)


def _import(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.exchange.masks_png import import_masks

    with opened(options.project, answer) as project:
        images = {one: project.image_path(one) for one in project.catalog.ids()}
        labels = {record.id: record.labels for record in project.catalog.records() if record.labelled}
        report = import_masks(options.masks, images, project.classes, labels)
        answer.report(report)
        taken = _take(project, list(project.catalog.ids(split=options.split)), report, options)
        suggest_every_pixel(project, answer)
    kind = "accepted masks" if options.accept else "drafts"
    words = f"{taken.count} masks taken as {kind}; {taken.kept} images kept the mask they had."
    answer.say(words, taken=taken.count, taken_as=kind, kept=taken.kept)
    return DONE


@dataclass
class _Taken:
    count: int = 0
    kept: int = 0


def _take(project: Project, ids: Sequence[str], report: MaskImportReport, options: argparse.Namespace) -> _Taken:
    """Take masks over, never over a person's work unless told so."""
    from tqdm import tqdm

    taken = _Taken()
    wanted = islice((one for one in ids if one in report.masks), options.limit)
    for image_id in tqdm(list(wanted), desc="masks", unit="image", leave=False):
        if not options.overwrite and project.masks.any(image_id):
            taken.kept += 1
            continue
        values = report.read(image_id)
        if options.accept:
            project.review.accept(image_id, values)
        else:
            project.review.save_draft(image_id, values)
        taken.count += 1
    return taken


IMPORT_MASKS = Command("import-masks", "take existing masks as drafts, or as accepted masks", _options, _import)
