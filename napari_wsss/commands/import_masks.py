"""Masks that exist already, into a project."""

import argparse
from pathlib import Path

from napari_wsss.commands.base import DONE, Answer, Command, Late
from napari_wsss.commands.opened import opened, suggest_every_pixel
from napari_wsss.commands.options import project_option, whole_option
from napari_wsss.core.parameters import advanced_options

MASK_KINDS = Late("napari_wsss.exchange.reading", "MASK_KINDS")


def _options(parser: argparse.ArgumentParser) -> None:
    project_option(parser)
    words = "masks: a folder of pictures named like the images, of an export, or annotations of another tool"
    parser.add_argument("--masks", type=Path, required=True, help=words)
    words = "how they are written: %(choices)s [%(default)s]"
    parser.add_argument("--kind", choices=MASK_KINDS, default="auto", metavar="KIND", help=words)
    parser.add_argument("--dry-run", action="store_true", help="say what would be taken, write nothing")
    whole_option(parser)
    mask_options(parser)


def mask_options(parser: argparse.ArgumentParser) -> None:
    """Say what becomes of masks, and of which images they are taken."""
    advanced = advanced_options(parser)
    words = "masks: what a class becomes that the project does not have; refuse leaves its mask out [%(default)s]"
    advanced.add_argument("--unknown", choices=("refuse", "background", "ignore"), default="refuse", help=words)
    words = "masks: values count objects, of the only label of their image; also white masks without a class"
    advanced.add_argument("--instances", action="store_true", help=words)
    words = "masks: objects of no known class become ignored regions: a click with napari's fill tool gives it one"
    advanced.add_argument("--regions", action="store_true", help=words)
    parser.add_argument("--accept", action="store_true", help="masks: as accepted ones instead of drafts")
    advanced.add_argument("--split", choices=("train", "val"), help="masks: only of images of this split")
    advanced.add_argument("--limit", type=int, help="masks: at most so many, in the project's order")
    words = "masks: also for images that have a draft or an accepted one"
    parser.add_argument("--overwrite", action="store_true", help=words)


def _import(options: argparse.Namespace, answer: Answer) -> int:
    from tqdm import tqdm

    from napari_wsss.core.progress import finish
    from napari_wsss.exchange.masks.importing import MaskChoices
    from napari_wsss.exchange.masks.taking import Taking, masks_for, take_masks

    with opened(options.project, answer, to_read=options.dry_run) as project:
        choices = MaskChoices(options.kind, options.unknown, options.instances, options.regions)
        report = masks_for(project, options.masks, choices)
        answer.report(report)
        report.check()
        if options.dry_run:
            return DONE
        how = Taking(options.accept, options.overwrite, options.split, options.limit)
        with tqdm(desc="masks", unit=" images", leave=False) as bar:
            found = finish(take_masks(project, report, how), lambda _: bar.update())
        suggest_every_pixel(project, answer)
    kind = "accepted masks" if options.accept else "drafts"
    words = f"{len(found.taken)} masks taken as {kind}; {len(found.kept)} images kept the mask they had."
    answer.say(words, taken=len(found.taken), taken_as=kind, kept=len(found.kept))
    return DONE


IMPORT_MASKS = Command("import-masks", "take existing masks as drafts, or as accepted masks", _options, _import)
