"""The images of a project: new ones, moved ones, and how those of more than 8 bits are shown."""

import argparse
from collections import Counter
from pathlib import Path

from napari_wsss.commands.base import CORRECTABLE, DONE, Answer, Command
from napari_wsss.commands.opened import listed, opened
from napari_wsss.commands.options import project_option, source_options, split_option, whole_option
from napari_wsss.core.inside import writable
from napari_wsss.core.plan import DEEP_PERCENTILES

MISSING_SHOWN = 10


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pictures", type=Path, nargs="*", help="only these pictures, or those below these folders")
    project_option(parser)
    source_options(parser)
    split_option(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be added, write nothing")
    whole_option(parser)


def _add(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.exchange.new_images import find_new_images

    with opened(options.project, answer, to_read=options.dry_run) as project:
        found = find_new_images(project, options.pictures, options.labels, options.kind, options.encoding)
        answer.report(found)
        if found.images and not options.dry_run:
            project.add_images(found.images)
            project.hold_out(options.hold_out)
            splits = dict(sorted(Counter(project.catalog.get(image.id).split for image in found.images).items()))
            now = f"Added: {listed(splits)}. The project has {len(project.catalog)} images now."
            answer.say(now, added=splits, count=len(project.catalog))
    return DONE


def _locate_options(parser: argparse.ArgumentParser) -> None:
    project_option(parser)
    parser.add_argument("--images", type=Path, help="the folder that holds the images now [the one it had]")
    whole_option(parser)


def _locate(options: argparse.Namespace, answer: Answer) -> int:
    with opened(options.project, answer) as project:
        missing = project.locate_images(options.images)
        found = f"{len(project.catalog) - len(missing)} of {len(project.catalog)} images are in {project.images_root}."
        answer.say(found, images=project.images_root, missing=missing)
    if missing:
        shown = missing if options.all else missing[:MISSING_SHOWN]
        more = f" and {len(missing) - len(shown)} more (--all names them)" if len(shown) < len(missing) else ""
        answer.say(f"{len(missing)} are missing: {', '.join(map(writable, shown))}{more}")
    return CORRECTABLE if missing else DONE


def _scaling_options(parser: argparse.ArgumentParser) -> None:
    project_option(parser)
    low, high = DEEP_PERCENTILES
    parser.add_argument("--low", type=float, default=low, help="percentile of the pixels that becomes 0 [%(default)s]")
    parser.add_argument("--high", type=float, default=high, help="percentile that becomes 255 [%(default)s]")


def _scale(options: argparse.Namespace, answer: Answer) -> int:
    low, high = options.low, options.high
    with opened(options.project, answer) as project:
        project.set_deep_percentiles(low, high)
    scaled = f"Pictures of more than 8 bits are scaled from {low:g} to {high:g} % of their pixels."
    answer.say(scaled, percentiles=(low, high))
    return DONE


def _channel_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("channels", help="2 (grey), or 3,1,2 (red, green, blue; 0 for none); '' as the files are made")
    project_option(parser)


def _channels(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.pixels.decoding.channels import parse_channels

    with opened(options.project, answer) as project:
        project.set_channels(parse_channels(options.channels))
        chosen = project.channels
    made = f"channel(s) {', '.join(map(str, chosen))}" if chosen else "the files as they are made"
    answer.say(f"Pictures are made of {made}. What was computed of other pixels is not used.", channels=chosen)
    return DONE


ADD_IMAGES = Command("add-images", "take new pictures of the image folder into the project", _add_options, _add)
LOCATE_IMAGES = Command("locate-images", "find the images of a project again that were moved", _locate_options, _locate)
SCALE_DEEP = Command(
    "scale-deep", "choose how pictures of more than 8 bits are scaled to 0..255", _scaling_options, _scale
)
CHANNELS = Command("channels", "choose which channels of the files make the pictures", _channel_options, _channels)
