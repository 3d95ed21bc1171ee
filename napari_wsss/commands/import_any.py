"""What another tool made, into a project: whether it is labels, masks or maps is found out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from napari_wsss.commands.base import Answer, Command, Either
from napari_wsss.commands.import_labels import IMPORT_LABELS
from napari_wsss.commands.import_maps import IMPORT_MAPS, MAP_KINDS
from napari_wsss.commands.import_masks import IMPORT_MASKS, MASK_KINDS, mask_options
from napari_wsss.commands.opened import opened
from napari_wsss.commands.options import KINDS, project_option, whole_option
from napari_wsss.core.errors import LabelError
from napari_wsss.core.parameters import advanced_options

if TYPE_CHECKING:
    from napari_wsss.exchange.masks.importing import MaskChoices
    from napari_wsss.project.project import Project

WHAT = {"labels": IMPORT_LABELS, "masks": IMPORT_MASKS, "maps": IMPORT_MAPS}
AUTO = "auto"
EVERY_KIND = Either(KINDS, MASK_KINDS, MAP_KINDS)


class Report(Protocol):
    """What each kind of import reports."""

    def check(self) -> None:
        """Raise `LabelError` where nothing of it can be used."""


def _options(parser: argparse.ArgumentParser) -> None:
    words = "a file, folder or zip archive of another tool: tables, annotations, masks, activation maps"
    parser.add_argument("source", type=Path, help=words)
    project_option(parser)
    words = "what to take of it [found out: masks where there are some, else labels, else maps]"
    parser.add_argument("--what", choices=(AUTO, *WHAT), default=AUTO, help=words)
    parser.add_argument("--dry-run", action="store_true", help="say what would be taken, write nothing")
    whole_option(parser)
    advanced = advanced_options(parser)
    words = "the format, as import-labels and its like know it [%(default)s]"
    advanced.add_argument("--kind", choices=EVERY_KIND, default="auto", metavar="KIND", help=words)
    advanced.add_argument("--encoding", default="", help="labels: how the file is written: gb18030 ... [found out]")
    advanced.add_argument("--edited-too", action="store_true", help="labels: also where a person changed them here")
    mask_options(parser)


def _import(options: argparse.Namespace, answer: Answer) -> int:
    what = options.what
    if what == AUTO:
        from napari_wsss.exchange.masks.importing import MaskChoices

        with opened(options.project, answer, to_read=True) as project:
            choices = MaskChoices(options.kind, options.unknown, options.instances, options.regions)
            what = what_is_in(project, options.source, choices, options.encoding)
    answer.say(f"{options.source} is read as {what} (--what takes something else).", what=what)
    told = argparse.Namespace(**vars(options), **{what: options.source}, take_back=False)
    return WHAT[what].verb(told, answer)


def what_is_in(project: Project, source: Path, choices: MaskChoices, encoding: str = "") -> str:
    """Return whether a source holds ``masks``, ``labels`` or ``maps`` for a project: the first that can be used.

    Masks come first, because who exports masks has labels in the same file most often; both are reported by the
    commands with what does not fit. Where nothing can be used it is what the source looks like.

    Parameters
    ----------
    project : Project
    source : Path
        Of a stranger.
    choices : MaskChoices
        How masks would be read, and the kind of all three.
    encoding : str
        How labels are written.

    Raises
    ------
    LabelError
        When it is missing, or looks like nothing that is read.
    """
    from napari_wsss.exchange.label_changes import LabelChoices, find_label_changes
    from napari_wsss.exchange.maps.importing import maps_for
    from napari_wsss.exchange.masks.taking import masks_for

    looks: dict[str, Callable[[], Report]] = {
        "masks": lambda: masks_for(project, source, choices),
        "labels": lambda: find_label_changes(project, source, LabelChoices(choices.kind, encoding)),
        "maps": lambda: maps_for(project, source, choices.kind),
    }
    reasons: dict[str, LabelError] = {}
    like, counts_objects = "", False
    for what, look in looks.items():
        try:
            report = look()
            like = like or what
            counts_objects |= what == "masks" and bool(getattr(report, "wrong_values", ()))
            report.check()
        except LabelError as reason:
            reasons[what] = reason
        else:
            # Whole numbers on one page of a TIFF are objects more often than the scores of an image's only class.
            return like if counts_objects and getattr(report, "kind", "") == "map_tiff" else what
    if like:
        return like
    if not source.exists():
        raise reasons["masks"]
    said = "; ".join(f"as {what}: {str(reason).removesuffix('.')}" for what, reason in reasons.items())
    raise LabelError(f"{source} holds neither masks nor labels nor maps that are read here: {said}.")


IMPORT = Command(
    "import", "take labels, masks or maps of another tool; which of them it is is found out", _options, _import
)
