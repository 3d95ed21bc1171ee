"""What the project knows about one image."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.inside import why_not_plain
from napari_wsss.project.states import State

SPLITS = ("", "train", "val")


@dataclass(frozen=True)
class ImageRecord:
    """What the project knows about one image.

    Parameters
    ----------
    id : str
        Posix path relative to the image root when the image was added, with suffix; never changes.
    path : str
        Posix path relative to the image root now; differs from `id` when the file was found again elsewhere.
    labels : frozenset of str
        Image-level labels by class name; empty for *none of the classes* and for *not labelled yet*.
    state : str
        One of `STATES`.
    split : str
        "train", "val" or "" (not assigned).
    note : str
        The reviewer's remark.
    stale, label_changed, disagrees, replaced : bool
        Proposal older than the model; labels edited by a person; model disagrees with the accepted mask; the
        image file's content changed since results were made.
    content_hash : str
        SHA-256 of the file, "" while never read.
    file_mtime, file_size : int
        Time (nanoseconds) and size (bytes) of the file when it had this content; -1 while never read.
    score : float, optional
        Queue score (uncertainty).
    edited : float, optional
        Share of pixels in [0, 1] that a person changed in the proposal before accepting; None before that.
    changed : float, optional
        1 - mean IoU between the proposal and the one of the model applied before, in [0, 1]; None when unknown.
    borrowed_from : str
        Id of the image whose correction the proposal was taken over from, "" for none.
    doubtful : frozenset of str
        Labelled classes that the machine would have left out of the proposal, or grown over the whole picture: their
        surest region was kept.
    negative : bool
        Labelled *none of the classes*: known to hold nothing. Such an image has no labels.
    painted : tuple of int, optional
        0-based indices of the classes in the accepted mask; None without one, or while they are not known.
    mismatch : bool
        The accepted mask paints other classes than the labels.
    clusters : tuple of str
        Names of the clusters the image is in, one per class at most, in the order of the class list.
    unknown : frozenset of str
        Classes that may or may not be in the image (*uncertain* in a label table), where of the others it is known.
    """

    id: str
    path: str
    labels: frozenset[str]
    state: State
    split: str = ""
    note: str = ""
    stale: bool = False
    label_changed: bool = False
    disagrees: bool = False
    content_hash: str = ""
    score: float | None = None
    replaced: bool = False
    edited: float | None = None
    changed: float | None = None
    borrowed_from: str = ""
    doubtful: frozenset[str] = frozenset()
    negative: bool = False
    painted: tuple[int, ...] | None = None
    mismatch: bool = False
    file_mtime: int = -1
    file_size: int = -1
    clusters: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset()

    @property
    def labelled(self) -> bool:
        """Whether it is known which classes are in the image, be it none; False while nobody has said."""
        return self.negative or bool(self.labels)

    @property
    def tells(self) -> bool:
        """Whether of some class at least it is known if it is in the image: what classifiers can learn from."""
        return self.labelled or bool(self.unknown)

    @property
    def labels_text(self) -> str:
        """The labels in words, for a person."""
        said = sorted(self.labels) + [f"{name} unknown" for name in sorted(self.unknown)]
        return ", ".join(said) or ("nothing of any class" if self.negative else "not labelled yet")


@dataclass(frozen=True)
class NewImage:
    """An image to add: its id is its posix path relative to the image root; without labels not labelled yet, or none.

    Parameters
    ----------
    id : str
    labels : frozenset of str
    split : str
    negative : bool
        Labelled *none of the classes*.
    unknown : frozenset of str
        See `ImageRecord`.
    """

    id: str
    labels: frozenset[str] = frozenset()
    split: str = ""
    negative: bool = False
    unknown: frozenset[str] = frozenset()


def possible_classes(record: ImageRecord, classes: ClassList) -> tuple[int, ...]:
    """Return the 0-based indices of the classes that may be in an image: its labels, and those not known of."""
    return classes.indices(record.labels | record.unknown) if record.tells else classes.indices(classes.current)


def check_new(image: NewImage, classes: Mapping[str, int]) -> None:
    """Raise `ProjectError` for an id that is no plain relative path or a wrong split, `LabelError` for its labels."""
    reason = why_not_plain(image.id)
    if reason:
        raise ProjectError(
            f"The image id {image.id!r} is not a plain path below the image folder ({reason}); expected 'day1/cat.jpg' "
            "or so."
        )
    check_labels(image.id, image.labels, classes, image.negative, image.unknown)
    check_split(image.id, image.split)


def check_labels(
    image_id: str,
    labels: Collection[str],
    classes: Mapping[str, int],
    negative: bool = False,
    unknown: Collection[str] = (),
) -> None:
    """Raise `LabelError` for names that are no classes of the project, or that say two things of one class."""
    twice = sorted(set(unknown) & set(labels) or (set(unknown) if negative else ()))
    if twice:
        raise LabelError(f"{image_id} cannot be labelled and unknown as to {', '.join(twice)}; expected one of both.")
    if negative and labels:
        raise LabelError(
            f"{image_id} cannot be labelled {', '.join(sorted(labels))} and none of the classes; expected one of both."
        )
    foreign = sorted({*labels, *unknown} - set(classes))
    if foreign:
        raise LabelError(
            f"{image_id} is labelled {', '.join(foreign)}, which the project has no class for; known classes: "
            f"{', '.join(classes)}. Add the class first or correct the label."
        )


def check_split(image_id: str, split: str) -> None:
    """Raise `ProjectError` when `split` is none of `SPLITS`."""
    if split not in SPLITS:
        raise ProjectError(f"The split of {image_id} is {split!r}; expected 'train', 'val' or '' (none).")
