"""Masks of another tool, taken into a project: drafts or accepted masks, never over a person's work unless asked."""

from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import Mask
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.sources import Source
from napari_wsss.exchange.masks.importing import MaskChoices, MaskImportReport, import_masks
from napari_wsss.project.project import Project
from napari_wsss.project.sourced_masks import SourcedMask


@dataclass(frozen=True)
class Taking:
    """Which of the usable masks are taken, and as what.

    Parameters
    ----------
    accept : bool
        As accepted masks, all together one decision that is undone at once; else as drafts.
    overwrite : bool
        Also for images that have a draft or an accepted mask.
    split : str, optional
        Only images of this one.
    limit : int, optional
        At most so many images with a mask, in the project's order.
    """

    accept: bool = False
    overwrite: bool = False
    split: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Taken:
    """Ids of the images that got a mask, and of those that kept theirs."""

    taken: tuple[str, ...]
    kept: tuple[str, ...]


def masks_for(project: Project, source: Path, choices: MaskChoices | None = None) -> MaskImportReport:
    """Return which masks of a source are usable for a project's images; nothing is written.

    Parameters and errors are those of `import_masks`.
    """
    images = {one: project.image_path(one) for one in project.catalog.ids()}
    labels = {record.id: record.labels for record in project.catalog.records() if record.labelled}
    report = import_masks(source, images, project.classes, labels, choices)
    return replace(report, occupied=tuple(one for one in report.masks if project.masks.any(one)))


def take_masks(project: Project, report: MaskImportReport, how: Taking) -> Steps[Taken]:
    """Take the masks of a report; yields one `Progress` per image, returns what was taken."""
    ids = list(islice((one for one in project.catalog.ids(split=how.split) if one in report.masks), how.limit))
    taken: list[str] = []
    kept: list[str] = []
    with project.review.as_one_step():
        for position, image_id in enumerate(ids):
            is_free = how.overwrite or not project.masks.any(image_id)
            (taken if is_free else kept).append(image_id)
            if is_free:
                take_one(project, image_id, report.read(image_id), report.origin(image_id), how)
            yield Progress("masks", position + 1, len(ids), image_id)
    return Taken(tuple(taken), tuple(kept))


def take_one(project: Project, image_id: str, values: Mask, origin: Source, how: Taking) -> None:
    """Make (H, W) uint8 the mask of an image, as a draft or accepted.

    Its pixels are `origin`'s, not the person's who imports them; where the image's mask was the same already, they stay
    whose they were: work that went out, was corrected elsewhere and comes back is still known as one's own.
    """
    sources = _known(project, image_id, values.shape).imported_over(values, origin).sources
    if how.accept:
        project.review.accept(image_id, values, sources=sources)
    else:
        project.review.save_draft(image_id, values, sources=sources)


def _known(project: Project, image_id: str, shape: tuple[int, ...]) -> SourcedMask:
    with suppress(ProjectError):  # damaged, or its image is gone: it must not stand in the way of a whole mask
        return project.masks.working(image_id) or SourcedMask.empty(shape)
    return SourcedMask.empty(shape)
