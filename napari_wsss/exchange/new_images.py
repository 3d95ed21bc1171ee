"""Pictures to add to a project that exists: which are new below its image folder, and what a source says of them."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.inside import why_not_plain, writable
from napari_wsss.core.plural import counted
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.exchange.label_report import LabelReport, listed
from napari_wsss.exchange.labels import read_labels
from napari_wsss.exchange.labels_voc import pictures_folder
from napari_wsss.exchange.whole_reports import WholeReport
from napari_wsss.pixels.decoding.planes import check_has
from napari_wsss.pixels.decoding.stacks import file_and_page, is_there, page_ids
from napari_wsss.pixels.images import find_images, image_id, is_image_name, read_header
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage

_SHOWN = 5
_TOLD_EVERY = 500


@dataclass(frozen=True)
class NewImages(WholeReport):
    """New pictures, those that cannot be added, and where labels came from.

    Parameters
    ----------
    root : Path
        The project's image folder.
    images : tuple of NewImage
        To be added, in natural order.
    left_out : mapping of str to str
        Path below the folder -> why it cannot be added.
    labels : LabelReport
        Of the whole folder.
    in_part : tuple of str
        Pictures of which pages or channels are left out, with which.
    """

    root: Path
    images: tuple[NewImage, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    labels: LabelReport | None = None
    in_part: tuple[str, ...] = ()

    def summary(self) -> str:
        """Return the report as lines: how many, their labels, and what is left out and why."""
        labelled = [image for image in self.images if image.labels]
        counts = Counter(name for image in labelled for name in image.labels)
        lines = [f"{counted(len(self.images), 'new image')} below {self.root}, {len(labelled)} with labels."]
        if self.labels is not None and self.labels.kind != "none":
            lines.append(f"Labels from {self.labels.source}: {_counted(counts)}.")
            if not self.labels.is_clean:
                lines.append("Some entries of it cannot be used; napari-wsss labels-report names them.")
        lines += [f"Left out: {path}: {why}" for path, why in list(self.left_out.items())[:_SHOWN]]
        more = len(self.left_out) - _SHOWN
        lines += [f"Left out: {more} more."] if more > 0 else []
        lines += (
            [f"{counted(len(self.in_part), 'image is', 'images are')} used in part: {listed(self.in_part)}."]
            if self.in_part
            else []
        )
        return "\n".join(lines)


def find_new_images(
    project: Project, named: Sequence[Path] = (), source: Path | None = None, kind: str = "auto", encoding: str = ""
) -> NewImages:
    """Return the pictures below the project's image folder that it does not have yet; nothing is written.

    Parameters
    ----------
    project : Project
    named : sequence of Path
        Only these pictures, and those below these folders; all by default.
    source : Path, optional
        Where labels stand; searched for beside the images by default, as for a new project.
    kind : str
        One of `exchange.labels.KINDS`; ``none`` reads no labels.
    encoding : str
        How a label file is written, as Python names it; "" finds out.

    Raises
    ------
    LabelError
        When labels name classes that the project does not have, or their source cannot be used.
    ProjectError
        When a named path is no picture or folder, or does not lie below the image folder.
    """
    root = project.images_root
    known = {record.path for record in project.catalog.records()}
    takes_pages = project.takes_pages
    fresh = [one for one in dict.fromkeys(_ids(root, named, takes_pages)) if one not in known]
    if not fresh:
        return NewImages(root, ())
    left_out, in_part = _left_out(project, fresh)
    is_part = pictures_folder(root.parent) == root  # the JPEGImages of a VOC-style folder
    beside, names = root.parent if is_part else root, project.classes.current
    labels = read_labels(beside, source, kind, check_images=False, encoding=encoding, also=names, pages=takes_pages)
    images = tuple(labels.new_image(one) for one in fresh if writable(one) not in left_out)
    _check_classes(project, images)
    return NewImages(root, images, left_out, labels, in_part)


def count_new_images(project: Project) -> Steps[int]:
    """Look how many pictures below the image folder could be added; labels are not read.

    Returns
    -------
    generator of Progress
        Returns the number.

    Raises
    ------
    ProjectError
        When the image folder, or one in it, cannot be listed.
    """
    known = {record.path for record in project.catalog.records()}
    fresh: list[str] = []
    for done, one in enumerate(_ids(project.images_root, (), project.takes_pages)):
        if done % _TOLD_EVERY == 0:
            yield Progress("new pictures", done, 0)
        if one not in known:
            fresh.append(one)
    return len(fresh) - len(_left_out(project, fresh)[0]) if fresh else 0


def _ids(root: Path, named: Sequence[Path], takes_pages: bool) -> Iterator[str]:
    for place in [Path(os.path.abspath(path)) for path in named] or [root]:
        found: Iterator[str]
        if place.is_dir() and not is_image_name(place.name):
            found = (image_id(path, root) for path in find_images(place))
        elif is_image_name(place.name) and is_there(place):
            found = iter((image_id(place, root),))
        else:
            raise ProjectError(f"{place} is neither a picture nor a folder; name pictures below {root}.")
        for one in found:
            yield from page_ids(one, root) if takes_pages else (one,)


def _left_out(project: Project, fresh: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return which new pictures cannot be added, and why; and those of which only a part is used."""
    root = project.images_root
    paths = (Path(root, record.path) for record in project.catalog.records())
    missing = {path.name for path in paths if not file_and_page(path)[0].exists()}
    found: dict[str, str] = {}
    parts: list[str] = []
    for one in fresh:
        if reason := why_not_plain(one):
            found[one] = f"{reason}. Rename it."
        elif Path(one).name in missing and file_and_page(root / one)[1] is None:
            found[one] = "an image of this name is missing. If it was moved, run napari-wsss locate-images first."
        elif one in project.catalog:
            found[one] = "an image that was renamed since has this id already. Rename the new one."
        else:
            try:
                left_out = read_header(root / one).left_out
                check_has(root / one, project.channels)
            except ProjectError as damage:
                found[one] = str(damage)
            else:
                parts += [f"{one} ({', '.join(left_out)})"] if left_out else []
    return {writable(one): why for one, why in found.items()}, tuple(parts)


def _check_classes(project: Project, images: Sequence[NewImage]) -> None:
    counts = Counter(name for image in images for name in image.labels)
    unknown = {name: counts[name] for name in sorted(set(counts) - set(project.classes.current))}
    if unknown:
        raise LabelError(
            f"The labels of new images name classes that the project does not have: {_counted(unknown)} images. Add "
            "the classes in the window (page Project), or correct the labels; --kind none adds the images without."
        )


def _counted(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
