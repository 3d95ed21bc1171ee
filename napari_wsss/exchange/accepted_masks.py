"""What an export hands out of a project: the masks as they were decided, and the image-level labels beside them."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from napari_wsss.core.errors import ProjectError
from napari_wsss.exchange.text_files import NOTHING_NAMES, is_nothing
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from napari_wsss.project.sourced_masks import SourcedMask
from napari_wsss.project.states import STATES

LABELS_NAME = "labels.csv"


@dataclass(frozen=True)
class AcceptedMask:
    """Reads one accepted mask as it was decided, also where its file is still to be written."""

    project: Project
    image_id: str

    def __call__(self) -> SourcedMask:
        """Return the mask; raise `ProjectError` when it is gone or damaged."""
        found = self.project.masks.accepted(self.image_id)
        if found is None:
            raise ProjectError(f"{self.image_id} is accepted, but its mask file is gone")
        return found


@dataclass(frozen=True)
class Accepted:
    """The accepted images of a project that are handed out.

    Parameters
    ----------
    ids : tuple of str
        In catalog order.
    left_out : tuple of str
        Sentences about accepted images that are not: they were replaced since.
    """

    ids: tuple[str, ...]
    left_out: tuple[str, ...]

    @classmethod
    def of(cls, project: Project, ids: Sequence[str], *, replaced: bool = False) -> "Accepted":
        """Return which of some accepted images are handed out; with `replaced` also those of replaced images.

        Image files whose time or size changed are read again (about 5 ms each).
        """
        said = {} if replaced else {one: why for one in ids if (why := why_outdated(project, one))}
        kept = tuple(one for one in ids if one not in said)
        return cls(kept, tuple(f"{one}: {why}" for one, why in said.items()))


def why_outdated(project: Project, image_id: str) -> str:
    """Return why an accepted mask does not belong to the image there is now, "" when it does."""
    if project.is_replaced(image_id):
        return "its image was replaced since the mask was accepted; accept it again, or ask for replaced ones"
    size = project.masks.size_of(image_id)
    try:
        mask = project.masks.accepted(image_id)
    except ProjectError:  # said where it is read
        mask = None
    if size is None or mask is None or mask.values.shape == size:
        return ""
    height, width = mask.values.shape
    return f"the mask is {width} x {height} pixels, its image {size[1]} x {size[0]}; was the image replaced?"


def label_table(project: Project) -> str:
    """Return the image-level labels of all images but excluded ones as CSV: ``image,labels,split``.

    Names stand between ``;``. A word that is no class says *none of the classes*, an empty cell *not labelled yet*.
    """
    names = project.classes.names
    none = next(word for word in ("none", *sorted(NOTHING_NAMES)) if is_nothing(word, names))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "labels", "split"])
    writer.writerows(_rows(project.catalog.records(states=set(STATES) - {"excluded"}), none))
    return text.getvalue()


def _rows(records: Iterator[ImageRecord], none: str) -> Iterator[tuple[str, str, str]]:
    for record in records:
        yield record.id, ";".join(sorted(record.labels)) or (none if record.negative else ""), record.split
