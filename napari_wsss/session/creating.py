"""Creating a project of a folder of photographs and what a source of labels says of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_wsss.core.classes import BACKGROUND_NAMES, ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.inside import why_not_plain
from napari_wsss.core.plan import HELD_OUT
from napari_wsss.pixels.decoding.channels import Channels
from napari_wsss.pixels.decoding.stacks import page_ids
from napari_wsss.pixels.images import find_images, image_id, unread_words
from napari_wsss.project.project import FILE_NAME, Project
from napari_wsss.project.records import NewImage

if TYPE_CHECKING:
    from napari_wsss.exchange.label_report import LabelReport


def create_project(
    folder: Path,
    images_root: Path,
    report: LabelReport | None,
    classes: Iterable[str] | None = None,
    hold_out: float = HELD_OUT,
    pages: bool = False,
    channels: Channels = (),
) -> Project:
    """Create and return a project of the images below `images_root`, open; the caller closes it.

    Parameters
    ----------
    folder : Path
        The project folder to make.
    images_root : Path
        Where the images are, unless the report found them elsewhere.
    report : LabelReport, optional
        Labels and splits; without one every image found is taken, without labels.
    classes : iterable of str, optional
        Class names in order; the report's by default. A background first, as other programs write it, is left out.
    hold_out : float
        Share of images put aside for validation, where the report gives no split.
    pages, channels
        Whether pages of stacks are images (the report lists them so), and which channels make the pictures.

    Raises
    ------
    WsssError
        When there is a project already, no class, or no image.
    """
    if (folder / FILE_NAME).exists():
        raise ProjectError(f"{folder} already holds a project. Open it, or choose another folder for a new one.")
    names = tuple(classes) if classes is not None else tuple(report.classes if report is not None else ())
    if names and names[0].casefold() in BACKGROUND_NAMES:
        names = names[1:]  # a class list as other programs write it
    root = images_root if report is None else report.images_root  # JPEGImages of a VOC-style folder
    if report is None:
        found = [image_id(path, root) for path in find_images(root)]
        found = [page for one in found for page in (page_ids(one, root) if pages else (one,))]
        images = [NewImage(one) for one in found if not why_not_plain(one)]
    else:
        images = [report.new_image(one) for one in report.images]
    if not images:
        unread: list[Path] = []
        list(find_images(root, unread=unread))
        there = (
            f"There are {words}" if (words := unread_words(unread)) else "Choose the folder that holds the photographs"
        )
        raise ProjectError(f"There are no images below {root}. {there}.")
    project = Project.create(folder, root, ClassList(names), images)
    project.hold_out(hold_out, seed=0)
    if pages:
        project.set_takes_pages(True)
    if channels:
        project.set_channels(channels)
    return project
