"""What an export hands out of a project: the masks as they were decided, and the image-level labels beside them."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from napari_wsss.core.errors import ProjectError
from napari_wsss.exchange.csv_table import UNKNOWN
from napari_wsss.exchange.text_files import NOTHING_NAMES, is_nothing
from napari_wsss.project.criteria import Criteria
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
    Where it is not known of some images whether a class is there, columns of the classes follow: 1, 0 or ``?``.
    """
    records = project.catalog.records(states=set(STATES) - {"excluded"})
    return table_of(records, project.classes.current, project.catalog.count(Criteria(unknown=True)) > 0)


def table_of(records: Iterable[ImageRecord], names: Sequence[str], with_flags: bool) -> str:
    """Return the table of some images, whose classes have these names, with or without a column for each class."""
    none = next(word for word in ("none", *sorted(NOTHING_NAMES)) if is_nothing(word, names))
    flags = names if with_flags else ()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "labels", "split", *flags])
    for record in records:
        labels = ";".join(sorted(record.labels)) or (none if record.negative else "")
        writer.writerow([record.id, labels, record.split, *(_flag(record, name) for name in flags)])
    return text.getvalue()


def _flag(record: ImageRecord, name: str) -> str:
    if not record.tells:
        return ""
    return UNKNOWN if name in record.unknown else str(int(name in record.labels))
