"""Options that several commands have."""

import argparse
from pathlib import Path

from napari_wsss.commands.base import Late
from napari_wsss.core.parameters import advanced_options
from napari_wsss.core.plan import HELD_OUT

KINDS = Late("napari_wsss.exchange.reading", "KINDS")


class _Named(argparse.Action):
    """Take the project as a word, or by `--project` as other commands do; once."""

    word: argparse.Action | None = None
    """The word that is not needed where the option is given."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, value: object, _flag: str | None = None
    ) -> None:
        """Keep it."""
        before = getattr(namespace, self.dest, None)
        if before is not None:
            parser.error(f"the project is named twice: {before} and {value}")
        setattr(namespace, self.dest, value)
        if self.word is not None:
            self.word.required = False


def project_argument(parser: argparse.ArgumentParser, words: str = "project folder") -> None:
    """Let the project be a word or an option: the commands that need nothing else take both."""
    word = parser.add_argument("project", type=Path, action=_Named, help=words)
    option = parser.add_argument("--project", type=Path, action=_Named, help="the same, as other commands take it")
    option.word = word  # type: ignore[attr-defined]  # argparse says no more than that it made an action


def project_option(parser: argparse.ArgumentParser) -> None:
    """Let the project be named by an option, beside what else is needed."""
    parser.add_argument("--project", type=Path, required=True, help="project folder")


def source_options(parser: argparse.ArgumentParser) -> None:
    """Say where image-level labels are and how they are written."""
    advanced = advanced_options(parser)
    parser.add_argument("--labels", type=Path, help="CSV, text list or folder with the labels [searched for]")
    advanced.add_argument("--encoding", default="", help="how a label file is written: gb18030, cp1251 ... [found out]")
    words = "how the labels are written: %(choices)s [%(default)s]"
    advanced.add_argument("--kind", choices=KINDS, default="auto", metavar="KIND", help=words)


def label_options(parser: argparse.ArgumentParser) -> None:
    """Say which images, and where their labels are."""
    parser.add_argument("--images", type=Path, required=True, help="folder of images, or a VOC-style folder")
    source_options(parser)
    whole_option(parser)


def picture_options(parser: argparse.ArgumentParser) -> None:
    """Say which pages and channels of microscopes' files make the images."""
    parser.add_argument("--pages", action="store_true", help="every page or plane of a TIFF stack is an image")
    words = "make the pictures of these channels: 2 (grey), or 3,1,2 (red, green, blue; 0 for none) [as stored]"
    parser.add_argument("--channels", default="", help=words)


def split_option(parser: argparse.ArgumentParser) -> None:
    """Say how much is for validation."""
    words = "share for validation where no split is given [%(default)s]"
    parser.add_argument("--hold-out", type=float, default=HELD_OUT, help=words)


def whole_option(parser: argparse.ArgumentParser) -> None:
    """Let a report be shown whole."""
    parser.add_argument("--all", action="store_true", help="every entry of the report, not examples alone")
