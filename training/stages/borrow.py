"""Propose one image's correction for images that are like it, as a window's Clusters page does."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from napari_wsss.pipeline.borrowing import NEIGHBOURS, borrow_for_neighbours
from napari_wsss.project.project import Project
from training.hardware import prepare
from training.report import Reporter, watched
from training.stages.maps import DONE, SOME_FAILED, add_device_options, hardware_of


def add_borrow_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``borrow``."""
    parser.add_argument("--project", type=Path, required=True, help="project folder")
    parser.add_argument("--source", required=True, help="the corrected image")
    parser.add_argument("--class", dest="class_name", help="look for neighbours among this class; its first by default")
    parser.add_argument(
        "--neighbours", type=int, default=NEIGHBOURS, help=f"for how many images that are like it [{NEIGHBOURS}]"
    )
    add_device_options(parser)


def borrow(options: argparse.Namespace, report: Reporter) -> int:
    """Propose the source's correction for its nearest undecided neighbours, return the exit code."""
    with Project.open(options.project) as project:
        prepare(hardware_of(options))
        steps = borrow_for_neighbours(project, options.source, options.class_name, options.neighbours, options.device)
        found = watched(steps, report)
    for image_id, reason in found.failed.items():
        report.say(f"failed: {image_id}: {reason}", image=image_id)
    report.say(f"proposed for {', '.join(found.done) or 'no image'}", done=list(found.done), failed=found.failed)
    return SOME_FAILED if found.failed else DONE
