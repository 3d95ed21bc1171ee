"""Making projects: of a folder of images, or of generated pictures."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_wsss.commands.base import DONE, Answer, Command
from napari_wsss.commands.opened import listed, suggest_every_pixel
from napari_wsss.commands.options import label_options, picture_options, project_argument, split_option
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.parameters import advanced_options


def _sample_options(parser: argparse.ArgumentParser) -> None:
    words = "the project folder to make; the pictures go into its folder 'pictures'"
    project_argument(parser, words)
    parser.add_argument("--images", type=int, default=300, help="how many pictures [%(default)s]")
    parser.add_argument("--size", type=int, default=160, help="their height and width in pixels [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same pictures [%(default)s]")


def _sample(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.exchange.labels import read_labels
    from napari_wsss.project.project import FILE_NAME
    from napari_wsss.sample.project import generate_sample
    from napari_wsss.session.creating import create_project

    if (options.project / FILE_NAME).exists():
        raise ProjectError(f"{options.project} holds a project already; open it, or choose another folder.")
    if options.images < 1 or options.size < 64:
        raise ProjectError("The sample needs at least 1 image and 64 pixels; correct --images or --size.")
    pictures = options.project / "pictures"
    report = generate_sample(pictures, images=options.images, size=options.size, seed=options.seed)
    create_project(options.project, pictures, read_labels(pictures)).close()
    answer.say(f"{report.summary()}.", images=options.images)
    answer.say(f"Project: {options.project}. Next:", project=options.project)
    answer.say(f"  napari-wsss train classifier --project {options.project} --trunk-weights none --apply")
    return DONE


def _create_options(parser: argparse.ArgumentParser) -> None:
    advanced = advanced_options(parser)
    label_options(parser)
    parser.add_argument("--project", type=Path, required=True, help="the project folder to make")
    parser.add_argument("--classes", nargs="+", help="class names in order, where the labels do not say them")
    advanced.add_argument("--every-pixel", action="store_true", help="every pixel belongs to a class: no background")
    picture_options(parser)
    split_option(parser)


def _create(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.exchange.labels import read_labels
    from napari_wsss.session.creating import create_project

    hints = _hints(options)
    report = read_labels(options.images, options.labels, options.kind, **hints, also=options.classes or ())
    answer.report(report)
    shown = hints["pages"], hints["channels"]
    with create_project(options.project, options.images, report, options.classes, options.hold_out, *shown) as project:
        counts = {split: sum(1 for _ in project.catalog.ids(split=split)) for split in ("train", "val")}
        made = f"Project {project.folder} with {len(project.catalog)} images: {listed(counts)}."
        answer.say(made, project=project.folder, counts=counts)
        if options.every_pixel:
            project.set_plan(replace(project.plan, every_pixel=True))
        suggest_every_pixel(project, answer)
    return DONE


def _labels_report(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.exchange.labels import read_labels

    answer.report(read_labels(options.images, options.labels, options.kind, **_hints(options)))
    return DONE


def _report_options(parser: argparse.ArgumentParser) -> None:
    label_options(parser)
    picture_options(parser)


def _hints(options: argparse.Namespace) -> dict[str, Any]:
    from napari_wsss.pixels.decoding.channels import parse_channels

    channels = parse_channels(options.channels)
    return {"encoding": options.encoding, "pages": options.pages, "channels": channels}


SAMPLE = Command("sample", "generate pictures with image-level labels and a project on them", _sample_options, _sample)
CREATE = Command(
    "create", "make a project from a folder of images and their image-level labels", _create_options, _create
)
LABELS_REPORT = Command(
    "labels-report", "say what image-level labels would be used; writes nothing", _report_options, _labels_report
)
