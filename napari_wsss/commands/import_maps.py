"""Activation maps that were made elsewhere, in place of a localizer of ours."""

import argparse
from pathlib import Path

from napari_wsss.commands.base import DONE, Answer, Command, Late
from napari_wsss.commands.opened import opened
from napari_wsss.commands.options import project_option, whole_option

MAP_KINDS = Late("napari_wsss.exchange.reading", "MAP_KINDS")


def _options(parser: argparse.ArgumentParser) -> None:
    project_option(parser)
    words = "a file or folder per image and class, or per image: .npy, .npz, TIFF stacks, grey pictures"
    parser.add_argument("--maps", type=Path, required=True, help=words)
    words = "how they are written: %(choices)s [%(default)s]"
    parser.add_argument("--kind", choices=MAP_KINDS, default="auto", metavar="KIND", help=words)
    parser.add_argument("--dry-run", action="store_true", help="say what would be taken, write nothing")
    whole_option(parser)


def _import(options: argparse.Namespace, answer: Answer) -> int:
    from tqdm import tqdm

    from napari_wsss.core.progress import finish
    from napari_wsss.exchange.maps.importing import maps_for
    from napari_wsss.pipeline.map_imports import apply_kept, keep

    with opened(options.project, answer, to_read=options.dry_run) as project:
        report = maps_for(project, options.maps, options.kind)
        answer.report(report)
        report.check()
        if options.dry_run:
            return DONE
        with tqdm(desc="maps", unit=" images", leave=False) as bar:
            kept = finish(keep(project, report.source, report.read_all()), lambda _: bar.update())
        apply_kept(project, kept.checkpoint)
        for image_id, reason in kept.failed.items():
            answer.warn(f"{image_id}: {reason}")
        folder = kept.checkpoint.parent.relative_to(project.folder)
        words = f"Maps of {len(kept.done)} images are kept in {folder} and used from now on in place of a localizer."
        answer.say(words, taken=len(kept.done), folder=str(folder))
        answer.say(f"Next: python -m training.run localize --project {project.folder}")
    return DONE


IMPORT_MAPS = Command("import-maps", "use activation maps made elsewhere in place of a localizer", _options, _import)
